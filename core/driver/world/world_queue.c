// The terms p(n) are summed from the first on, each from the one before. Only their ratios matter, so whenever the sum
// grows large all is scaled down: a^n of a queue that is far too busy is beyond any double. Once terms fall and are
// lost in the rounding of the sum, so are all that follow.

#include "driver/world/world_queue.h"

static const double large = 1e200;
static const double lost = 1e-18;

struct tend_world_queue tend_world_queue_at(double use, size_t workers, size_t room)
{
    if (!(use > 0.0)) {
        return (struct tend_world_queue){ .response = 1.0 };
    }
    const double offered = use * (double)workers; // a
    double term = 1.0;                            // p(n) / p(0)
    double sum = 1.0;
    double within = 0.0; // sum of n p(n)
    for (size_t n = 1; n <= workers + room; n++) {
        const double ratio = offered / (double)(n < workers ? n : workers);
        term *= ratio;
        sum += term;
        within += (double)n * term;
        if (ratio < 1.0 && term * (double)n < lost * within) {
            term = 0.0;
            break;
        }
        if (sum > large) {
            term /= large;
            sum /= large;
            within /= large;
        }
    }
    const double refused = term / sum;
    return (struct tend_world_queue){ .response = within / sum / (offered * (1.0 - refused)), .refused = refused };
}
