#ifndef MCBE_STOP_SIGNALS_H
#define MCBE_STOP_SIGNALS_H

/** Catch USR1, USR2, TERM and INT from now on: the first one is noted for mcbe_stop_signal_seen, one
 *  that comes more than a second later ends the process at once, with the exit code of a run that can
 *  be continued. (A launcher may deliver one signal twice.) To be called before MPI_Init: one that
 *  comes before it kills. Not collective. */
void mcbe_stop_signals_catch(void);

/** The number of the first signal, 0 if none came. */
int mcbe_stop_signal_seen(void);

#endif
