-- Where `shopctl /tmp/tend-shop` keeps the shop. examples/demo.sh fills in its own directory.
return {
  run = "/tmp/tend-shop",
  targets = "/tmp/tend-shop/targets.json",
  shopctl = "/tmp/tend-shop/shopctl", -- `shopctl RUN_DIR start all` leaves a copy of itself there
}
