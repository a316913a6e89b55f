#include "duty.h"

#include <math.h>

mcbe_duty_t mcbe_duty_begin(double interval, double share, double now)
{
    return (mcbe_duty_t){.interval = interval, .share = share, .wait = interval, .last = now};
}

int mcbe_duty_due(const mcbe_duty_t *duty, double now)
{
    return now >= duty->last + duty->wait || now < duty->last;
}

void mcbe_duty_done(mcbe_duty_t *duty, double begun, double now)
{
    const double took = fmax(now - begun, 0.0);
    duty->count++;
    duty->seconds += took;
    duty->took = took;
    duty->last = now;
    /* took / (took + wait) = share */
    const double wait = took * (1.0 - duty->share) / duty->share;
    duty->wait = fmax(duty->interval, fmin(wait, MCBE_DUTY_LONGEST));
}
