// Three digits or whole minutes, then tens of minutes, then hours: more would promise what no forecast holds.

#include "deviation/forecast_text.h"

#include "parse/quantity.h"

#include <math.h>

static void put_time(struct tend_buffer *out, double seconds)
{
    const double step = seconds < 120 ? 1 : seconds < 600 ? 10 : seconds < 3 * 3600 ? 60 : seconds < 86400 ? 600 : 3600;
    char text[TEND_QUANTITY_TEXT_BYTES];
    tend_buffer_put_text(out, tend_quantity_format(step * round(seconds / step), "s", text));
}

void tend_forecast_put(struct tend_buffer *out, const struct tend_forecast *forecast)
{
    if (isnan(forecast->eta_s)) {
        tend_buffer_put_text(out, "an unknown time");
        return;
    }
    put_time(out, forecast->eta_s);
    if (forecast->most_s > 0) {
        tend_buffer_put_text(out, " (");
        put_time(out, forecast->least_s);
        tend_buffer_put_text(out, " to ");
        put_time(out, forecast->most_s);
        tend_buffer_put_text(out, ")");
    }
}
