"""The systems: who calls whom how often, how each is monitored, and how its incidents were recorded."""
import re

from incidents.fleet import Call, Fleet, Service, seeded


class System:
    """`text` has one service a line: NAME KIND [of SHARE] [takes QUEUE]: CALLEE TIMES, ...; "~" before a callee: without waiting."""

    def __init__(self, name, text, **how):
        self.name, self.text = name, text
        self.step, self.healthy, self.live = how["step"], how["healthy"], how["live"]
        self.demand = how["demand"]
        self.columns, self.edges = how["columns"].split(), how.get("edges", "").split()
        self.virtual = how.get("virtual", "")  # columns of a service "_entry" of its own
        self.topology = how.get("topology", True)
        self.another_day = how.get("another_day", False)
        self.by_client = how.get("by_client", False)  # latency and errors of a service are what its callers saw
        self.exact = how.get("exact", False)  # the alarm is the injection
        self.closed = how.get("closed", False)
        self.jvm = how.get("jvm", 0.3)
        self.restless = how.get("restless", 1.0)
        self.logs = how.get("logs", "")
        self.gaps = how.get("gaps", 0.002)

    def build(self):
        """The fleet, the same each time."""
        rng = seeded("system", self.name)
        services, wanted, takes = {}, {}, {}
        for line in re.sub(r",\n +", ", ", self.text.strip()).splitlines():
            head, _, tail = line.partition(":")
            words = head.split()
            runtime = "jvm" if rng.random() < self.jvm else "native"
            service = services[words[0]] = Service(words[0], words[1], rng, runtime)
            service.node = rng.randrange(max(2, self.text.count(":") // 4))
            if "of" in words:
                service.outside = float(words[words.index("of") + 1])
            elif words[1] == "entry":
                service.outside = 1.0
            if "takes" in words:
                takes[words[0]] = words[words.index("takes") + 1]
            wanted[words[0]] = [part.split() for part in tail.split(",") if part.strip()]
        for name, calls in wanted.items():
            for callee, times in calls:
                services[name].calls.append(Call(services[callee.lstrip("~")], float(times), rng, callee.startswith("~")))
        for name, queue in takes.items():
            services[name].source = services[queue]
            services[queue].workers_of.append(services[name])
        fleet = Fleet(in_order(services.values()), self.demand, self.demand * rng.uniform(1, 4) if self.closed else 0.0)
        fleet.settle(rng)
        return fleet

    def pairs(self, fleet):
        """Caller and callee, as a list of dependencies would have them."""
        pairs = [[s.name, c.callee.name] for s, c in fleet.edges]
        return pairs + [[s.name, s.source.name] for s in fleet.services if s.source is not None]


def in_order(services):
    """Callers before callees, queues before their workers."""
    order, state = [], {}

    def visit(s):
        if state.get(s.name) == 1:
            raise ValueError("a ring through " + s.name)
        if s.name in state:
            return
        state[s.name] = 1
        for call in s.calls:
            visit(call.callee)
        for worker in s.workers_of:
            visit(worker)
        state[s.name] = 2
        order.append(s)

    for s in services:
        visit(s)
    return order[::-1]


SHORT = """cpu=cpu*100 mem=memory*1e-6 diskio=disk socket=sockets workload=rate latency-50=p50 latency-90=p90 error=errors"""

CADVISOR = """container_cpu_usage_seconds_total=cpu container_cpu_cfs_throttled_seconds_total=throttled
container_memory_working_set_bytes=memory container_memory_rss=memory*0.9 container_memory_cache=cache
container_fs_reads_bytes_total=reads container_fs_writes_bytes_total=writes
container_network_receive_bytes_total=rx container_network_transmit_bytes_total=tx
container_network_receive_packets_total=rx*0.0012 container_network_transmit_packets_total=tx*0.0011
container_sockets=sockets container_threads=threads container_spec_memory_limit_bytes=memory_limit"""

SPRING = """http_server_requests_seconds_count=count!total@web,entry,worker http_server_requests_seconds_sum=busy!total@web,entry,worker
http_server_requests_seconds_max=max99@web,entry,worker http_server_requests_errors=errcount!total@web,entry,worker
process_cpu_usage=cpu_share@web,entry,worker jvm_memory_used_bytes=memory%2@web,entry,worker
jvm_gc_pause_seconds_sum=gc!total@web,entry,worker jvm_threads_live=threads@web,entry,worker
hikaricp_connections_active=inflight@web,worker tomcat_threads_busy=inflight*1.1@web,entry
logback_events_error=errcount!total@web,entry,worker process_uptime_seconds=uptime@web,entry,worker
pg_stat_activity_count=sockets@db pg_stat_database_xact_commit=count!total@db pg_stat_database_blks_read=reads*0.0001@db
pg_locks_count=inflight*3@db node_cpu_seconds=cpu@db,queue,cache redis_commands_processed_total=count!total@cache
redis_memory_used_bytes=memory%3@cache redis_connected_clients=sockets@cache rabbitmq_queue_messages_ready=depth@queue
rabbitmq_queue_messages_published_total=count!total@queue process_resident_memory_bytes=memory@db,queue"""

ENVOY = """istio_requests_total_200=oks istio_requests_total_503=errors
istio_request_duration_milliseconds_p50=p50*1000 istio_request_duration_milliseconds_p99=p99*1000
istio_request_bytes_sum=rx istio_response_bytes_sum=tx"""

LITTLE = """cpu_millicores=cpu*1000 mem_working_set=memory cpu_throttled_pct=throttled*100 net_rx=rx net_tx=tx restarts=restarts"""

SPANS = """calls=rate calls_error=errors duration_p50=p50*1000 duration_p95=p95*1000 duration_mean=mean*1000"""

CLOUD = """availability=ok_pct duration_average=mean*1000 duration_p50=p50*1000 duration_p90=p90*1000 requests=count"""

MINUTELY = "cpu_usage=cpu_share*100~4 mem_usage_mib=memory*9.5367e-7~4 net_in=rx~4 net_out=tx~4"

SMALL = """cpu_pct=cpu_share*100 mem_pct=memory_share*100%6 io_wait_ms=iowait tcp_conn=sockets resp_ms=mean*1000 hits=rate fails=errors"""

ENVOY_EDGES = """istio_requests_total=rate response_5xx=errors request_duration_milliseconds_p50=p50*1000
request_duration_milliseconds_p99=p99*1000"""

EXPORTERS = """cpu=cpu*1000 rss=memory%15 rps=rate@web,entry,worker http_5xx=errors@web,entry lat_p50=p50*1000@web,entry,worker
lat_p99=p99*1000@web,entry,worker goroutines=threads@web,entry,worker open_fds=sockets mysql_threads_running=inflight@db
mysql_questions=count!total@db mysql_slow_queries=slow!total@db mysql_io_read=reads@db mysql_io_write=writes@db redis_ops=rate@cache
redis_latency_us=mean*1e6@cache redis_clients=sockets@cache kafka_lag=depth@queue,worker kafka_msgs_in=rate@queue up=up"""

SYSTEMS = [
    System("weave", """
front-end entry: session-db 1.0, catalogue 1.3, carts 0.9, user 0.5, orders 0.12
catalogue web: catalogue-db 1.0
carts web: carts-db 1.4
user web: user-db 1.0
orders web: user 2.0, carts 1.0, payment 1.0, shipping 1.0, orders-db 2.0
payment web:
shipping web: rabbitmq 1.0
rabbitmq queue:
queue-master worker takes rabbitmq:
session-db cache:
catalogue-db db:
carts-db db:
user-db db:
orders-db db:
""", step=1, healthy=240, live=600, demand=120, columns=SHORT, by_client=True, exact=True, closed=True, jvm=0.5, gaps=0.0),
    System("boutique", """
frontend entry: adservice 0.6, cartservice 1.0, currencyservice 2.4, productcatalogservice 2.0, recommendationservice 0.7,
    checkoutservice 0.08, shippingservice 0.3
adservice web:
cartservice web: redis-cart 1.2
currencyservice web:
productcatalogservice web:
recommendationservice web: productcatalogservice 1.0
checkoutservice web: cartservice 2.0, currencyservice 3.0, emailservice 1.0, paymentservice 1.0, productcatalogservice 2.5,
    shippingservice 2.0
emailservice web:
paymentservice web:
shippingservice web:
redis-cart cache:
""", step=5, healthy=144, live=144, demand=60, columns=CADVISOR + " " + ENVOY, by_client=True, exact=True, closed=True, jvm=0.1, logs="go"),
    System("rail", """
gateway entry: auth 0.4, search 0.5, booking 0.12, cancel 0.03, portal 0.5, admin-console 0.02
portal web: news 0.3, avatar 0.2, voucher 0.1, notes 0.2
news web:
avatar web:
voucher web: order-archive 0.5
notes web: notes-mongo 1.0
auth web: captcha 0.4, members 1.0, auth-mongo 1.0
captcha web:
members web: members-mongo 1.0
search web: travel 0.7, travel-regional 0.5, route-plan 0.2
route-plan web: travel 1.0, travel-regional 1.0, routes 1.5
travel web: basic-data 1.5, seats 1.0, trains 1.0, routes 1.0, travel-mongo 1.0
travel-regional web: basic-data 1.5, seats 1.0, trains 1.0, routes 0.8, travel2-mongo 1.0
basic-data web: stations 1.8, trains 1.0, routes 1.0, prices 1.0
seats web: orders 1.0, orders-other 0.6, settings 1.0
stations web: stations-mongo 1.0
trains web: trains-mongo 1.0
routes web: routes-mongo 1.0
prices web: prices-mongo 1.0
settings web: settings-mongo 1.0
booking web: fraud-check 1.0, contacts 1.0, travel 1.0, basic-data 1.0, seats 1.0, assurance 0.5, catering 0.3, consign 0.2,
    orders 1.0, members 1.0, ~mail-queue 1.0
fraud-check web: orders 1.0, orders-other 1.0
contacts web: contacts-mongo 1.0
assurance web: assurance-mongo 1.0
catering web: station-food 1.0, train-food 1.0
station-food web:
train-food web:
consign web: consign-price 1.0
consign-price web:
cancel web: orders 1.0, orders-other 0.5, refunds 1.0, members 1.0, ~mail-queue 1.0
refunds web: ledger 1.0, payments 1.0
payments web: payments-mongo 1.0
ledger web: ledger-mongo 1.0
orders web: orders-mongo 1.2
orders-other web: other-mongo 1.2
order-archive web: orders 1.0
admin-console web: orders 1.0, routes 1.0, trains 1.0, members 1.0
mail-queue queue:
notifier worker takes mail-queue: smtp-relay 1.0
smtp-relay web:
notes-mongo db:
auth-mongo db:
members-mongo db:
travel-mongo db:
travel2-mongo db:
stations-mongo db:
trains-mongo db:
routes-mongo db:
prices-mongo db:
settings-mongo db:
contacts-mongo db:
assurance-mongo db:
payments-mongo db:
ledger-mongo db:
orders-mongo db:
other-mongo db:
""", step=15, healthy=120, live=60, demand=40, columns=MINUTELY + " " + SPANS,
           edges="calls=rate errors=errors latency_mean=mean latency_p95=p95", virtual="p50=p50 p90=p90 p99=p99 success_pct=ok_pct",
           jvm=1.0, logs="spring"),
    System("reel", """
edge-gw entry: session-tokens 1.0, playback-api 0.4, browse-api 0.6, profile-api 0.2
playback-api web: drm-license 0.9, manifest 1.0, entitlements 1.0, ~telemetry-log 2.0, cdn-steering 1.0
browse-api web: catalog-api 2.0, recommender 0.7, artwork 1.5, continue-watching 0.8
profile-api web: profiles-cass 1.5, household 0.3
session-tokens web: tokens-redis 1.0
drm-license web: key-vault 1.0, entitlements 0.5
manifest web: manifest-cache 1.0, packager 0.15
packager web: object-store 2.0
entitlements web: billing-api 0.2, entitlements-redis 1.0
cdn-steering web: geo-ip 1.0
catalog-api web: catalog-es 1.0, catalog-cache 2.0
recommender web: feature-store 3.0, model-server 1.0
model-server web:
artwork web: artwork-cache 1.0, object-store 0.1
continue-watching web: bookmarks-cass 1.0
billing-api web: billing-pg 2.0
household web: profiles-cass 1.0
geo-ip web:
key-vault web:
object-store db:
tokens-redis cache:
manifest-cache cache:
entitlements-redis cache:
catalog-cache cache:
artwork-cache cache:
feature-store db:
catalog-es db:
profiles-cass db:
bookmarks-cass db:
billing-pg db:
telemetry-log queue:
watch-aggregator worker takes telemetry-log: bookmarks-cass 0.2
qoe-scorer worker takes telemetry-log: feature-store 0.1
""", step=15, healthy=160, live=80, demand=300, columns=SPANS + " " + LITTLE + " consumer_lag=depth@worker,queue",
           edges="calls=rate calls_error=errors duration_p95=p95*1000", jvm=0.6, another_day=True),
    System("bank", """
teller-gw entry of 0.7: iam 1.0, accounts 0.8, transfers 0.2, cards 0.3
partner-gw entry of 0.3: iam 1.0, transfers 0.5, fx-rates 0.6
iam web: ldap 0.3, iam-cache 1.0
accounts web: core-oracle 1.6, customer 0.5
customer web: core-oracle 0.7, kyc 0.05
transfers web: accounts 2.0, ledger 1.0, fraud 1.0, limits 1.0, ~swift-mq 0.4
ledger web: ledger-db2 2.0
fraud web: fraud-model 1.0, fraud-redis 3.0
fraud-model web:
limits web: core-oracle 0.5
cards web: card-hsm 1.0, accounts 0.6
card-hsm web:
fx-rates web: market-feed 0.2
market-feed web:
kyc web: documents 1.0
documents web:
ldap db:
iam-cache cache:
core-oracle db:
ledger-db2 db:
fraud-redis cache:
swift-mq queue:
swift-sender worker takes swift-mq: ledger 0.5
statements entry of 0.02: accounts 4.0, documents 2.0
""", step=60, healthy=180, live=60, demand=80, columns=SPRING, jvm=1.0, another_day=True, logs="spring", restless=1.4),
    System("emporium", """
storefront/prod_AWS.ApiGateway entry: ProductList_AWS.Lambda 1.0, Basket_AWS.ECS 0.6, Search_AWS.ECS 0.5,
    Checkout_AWS.StepFunctions 0.06, Wishlist_AWS.Lambda 0.1
ProductList_AWS.Lambda web: Products_AWS.DynamoDB 1.5, Images_AWS.S3 2.0
Basket_AWS.ECS web: Baskets_AWS.DynamoDB 1.3, ParameterStore_AWS.SSM 0.1
Search_AWS.ECS web: SearchIndex_AWS.OpenSearch 1.0, Experiments_AWS.Evidently 0.5, Products_AWS.DynamoDB 0.6
Checkout_AWS.StepFunctions web: Price_AWS.Lambda 1.0, Stock_AWS.Lambda 1.0, Pay_AWS.Lambda 1.0, Basket_AWS.ECS 1.0,
    ~Orders_AWS.SQS 1.0
Price_AWS.Lambda web: Products_AWS.DynamoDB 2.0
Stock_AWS.Lambda web: Inventory_AWS.RDS 1.5
Pay_AWS.Lambda web: psp.example.com_remote 1.0, Secrets_AWS.SecretsManager 1.0
Wishlist_AWS.Lambda web: Wishes_AWS.DynamoDB 1.0
Fulfil_AWS.ECS worker takes Orders_AWS.SQS: Inventory_AWS.RDS 2.0, Mail_AWS.SES 1.0
Orders_AWS.SQS queue:
Products_AWS.DynamoDB db:
Baskets_AWS.DynamoDB db:
Wishes_AWS.DynamoDB db:
Inventory_AWS.RDS db:
SearchIndex_AWS.OpenSearch db:
Images_AWS.S3 db:
ParameterStore_AWS.SSM web:
Experiments_AWS.Evidently web:
Secrets_AWS.SecretsManager web:
psp.example.com_remote web:
Mail_AWS.SES web:
""", step=300, healthy=200, live=14, demand=1.2, columns=CLOUD, another_day=True, jvm=0.0, restless=1.5, gaps=0.01),
    System("loft", """
s1 entry: s2 0.8, s3 0.5, s5 0.2
s2 web: s4 1.0, s6 1.3
s3 web: s6 0.7, s7 1.0
s4 web: s8 1.0
s5 web: s7 0.5, s8 0.4
s6 cache:
s7 db:
s8 db:
""", step=5, healthy=60, live=120, demand=30, columns=SMALL, topology=False, closed=True),
    System("parcel", """
ingress entry: track-api 0.7, quote-api 0.3, label-api 0.15, web-bff 0.5
web-bff web: track-api 0.6, accounts-api 0.8, quote-api 0.3, cms 0.4
track-api web: track-cache 1.0, shipments 0.4
shipments web: shipments-pg 1.5, ~events-bus 0.3
quote-api web: tariff 1.0, geo 1.2, capacity 0.7
tariff web: tariff-pg 1.0
geo web: geo-tiles 1.5, address 1.0
address web: address-es 1.0
capacity web: depot 1.3, fleet-mgr 0.6
depot web: depot-mysql 1.2
fleet-mgr web: fleet-mysql 1.0, telematics 0.5
telematics web: influx 2.0
label-api web: shipments 1.0, printer 1.0, customs 0.2, ~events-bus 1.0
printer web:
customs web: hs-codes 1.0
hs-codes web:
cms web: cms-mysql 1.0
accounts-api web: accounts-pg 1.0, invoices 0.2
invoices web: accounts-pg 2.0
route-solver worker takes events-bus: depot 0.3, fleet-mgr 0.3, geo 0.5
mailer worker takes events-bus: smtp 1.0
smtp web:
events-bus queue:
track-cache cache:
geo-tiles cache:
shipments-pg db:
tariff-pg db:
address-es db:
depot-mysql db:
fleet-mysql db:
influx db:
cms-mysql db:
accounts-pg db:
""", step=15, healthy=120, live=100, demand=90, columns=LITTLE + " " + ENVOY,
           edges=ENVOY_EDGES, jvm=0.3),
    System("swarm", "GENERATED 60", step=60, healthy=100, live=40, demand=150, columns=CADVISOR,
           virtual="latency_p90=p90 error_rate=errors",
           another_day=True, exact=True, gaps=0.02, jvm=0.4),
    System("taxi", """
api entry: riders 0.5, dispatch 0.35, pricing 0.4, auth 1.0
auth web: auth-redis 1.0
riders web: riders-mysql 1.2, wallet 0.2
wallet web: wallet-mysql 1.5, acquirer 0.3
acquirer web:
dispatch web: matching 1.0, drivers 1.5, ~trips-kafka 1.0
matching web: geo-index 3.0, eta 2.0
eta web: maps 1.0
maps web: tiles-redis 2.0
pricing web: surge 1.0, eta 1.0
surge web: geo-index 1.0
drivers web: drivers-mysql 1.0, geo-index 0.5
geo-index cache:
auth-redis cache:
tiles-redis cache:
riders-mysql db:
wallet-mysql db:
drivers-mysql db:
trips-kafka queue:
trip-recorder worker takes trips-kafka: riders-mysql 0.5
receipts worker takes trips-kafka: wallet-mysql 0.5, mail 1.0
mail web:
""", step=1, healthy=180, live=300, demand=200, columns=EXPORTERS, jvm=0.2, restless=1.3),
]


def generated(count):
    """A layered system of which nobody planned the whole."""
    rng = seeded("generated", count)
    nouns = """ad audit avatar badge basket batch bid blob calendar chat claim cluster comment contact coupon crawler currency device digest
event export feed filter flag forum gallery gift graph group hook image import inbox index job label lead locale media menu merge metric
notice offer page patch plan poll quota rating report roster score seat share site slot stock survey tag task team theme ticket token topic
trial upload vote wiki zone""".split()
    rng.shuffle(nouns)
    names = [n + rng.choice(("-svc", "-service", "-api", "")) for n in nouns[:count]]
    layers = [names[:1], names[1:7], names[7:22], names[22:40], names[40:count]]
    lines = []
    for depth, layer in enumerate(layers):
        for name in layer:
            kind = "entry" if depth == 0 else "web"
            if depth == 4 or depth == 3 and rng.random() < 0.4:
                kind = rng.choice(("db", "db", "cache", "web"))
            calls = []
            if kind in ("entry", "web") and depth < 4:
                lower = layers[depth + 1] + (layers[depth + 2] if depth < 3 and depth > 0 else [])
                calls = rng.sample(lower, min(len(lower), 6 if depth == 0 else rng.choice((1, 2, 3, 4))))
            lines.append(f"{name} {kind}: " + ", ".join(f"{c} {rng.choice((0.2, 0.5, 0.8, 1.0, 1.5))}" for c in calls))
    called = {c.split()[0] for line in lines for c in line.partition(":")[2].split(",") if c.strip()}
    for depth, layer in enumerate(layers[1:], 1):  # nobody is alone
        above = [i for i, line in enumerate(lines) if line.split()[0] in layers[depth - 1] and line.split()[1] in ("entry:", "web:")]
        for name in layer:
            if name not in called:
                i = rng.choice(above)
                lines[i] += (", " if lines[i].partition(":")[2].strip() else "") + f"{name} 0.3"
    return "\n".join(lines)


for _system in SYSTEMS:
    if _system.text.startswith("GENERATED"):
        _system.text = generated(int(_system.text.split()[1]))
