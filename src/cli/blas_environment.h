#ifndef MCBE_BLAS_ENVIRONMENT_H
#define MCBE_BLAS_ENVIRONMENT_H

/** Give OpenBLAS the settings it reads only while it is loaded, by starting the program once more
 *  with them in its environment: one thread (the ranks are the parallelism; idle BLAS threads
 *  spin), and, where OpenBLAS does not know the CPU and falls back to its oldest kernels, the best
 *  kernels this CPU can run. What the user has set is left alone. Call first thing in main; returns
 *  if there is nothing to change. Results do not depend on it. */
void mcbe_blas_environment(char **argv);

#endif
