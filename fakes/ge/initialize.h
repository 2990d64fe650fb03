/* initialize: what aclgrphBuildInitialize was given. */
#ifndef FAKE_GE_INITIALIZE_H
#define FAKE_GE_INITIALIZE_H

#include "fields.h"
#include "ge.h"

namespace fake
{

/* Each as "global.<key>"; throws a Refusal (FAILED) before the initialization. */
Fields global_options();

}  // namespace fake

#endif
