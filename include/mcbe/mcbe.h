#ifndef MCBE_MCBE_H
#define MCBE_MCBE_H

/* The numerics of mcbe. Programs that run whole experiments over MPI also include mcbe/run.h. */

#include "mcbe/bias.h"
#include "mcbe/certificate.h"
#include "mcbe/cloud.h"
#include "mcbe/covering.h"
#include "mcbe/cpu.h"
#include "mcbe/dataset.h"
#include "mcbe/domain.h"
#include "mcbe/estimate.h"
#include "mcbe/exact.h"
#include "mcbe/frame.h"
#include "mcbe/injectivity.h"
#include "mcbe/network.h"
#include "mcbe/polytope.h"
#include "mcbe/preimage.h"
#include "mcbe/reconstruct.h"
#include "mcbe/rng.h"
#include "mcbe/sample.h"
#include "mcbe/search.h"
#include "mcbe/stability.h"
#include "mcbe/stats.h"
#include "mcbe/status.h"
#include "mcbe/version.h"

#endif
