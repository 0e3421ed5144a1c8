#ifndef AG_DIALECT_AGOPS_TD
#define AG_DIALECT_AGOPS_TD

include "dialect/GridOps.td"
include "dialect/MemoryOps.td"
include "dialect/ComputeOps.td"
include "dialect/ReduceOps.td"
include "dialect/ShapeOps.td"
include "dialect/RandomOps.td"
include "dialect/DebugOps.td"

#endif
