#pragma once
/// Forecast text: a forecast as people read it.

#include "deviation/outlook.h"

/// Appends "50m (35m to 1h20m)", rounded to what a forecast is good for; "0 s" where the metric is out of line already,
/// "an unknown time" where there is no forecast.
void tend_forecast_put(struct tend_buffer *out, const struct tend_forecast *forecast);
