#ifndef ATTN_GRID_ATTN_GRID_HPP
#define ATTN_GRID_ATTN_GRID_HPP
/// All of the public interface. `ag` is short for `attn_grid`.

#include "attn_grid/artifact.hpp"
#include "attn_grid/background.hpp"
#include "attn_grid/device.hpp"
#include "attn_grid/dlpack.hpp"
#include "attn_grid/error.hpp"
#include "attn_grid/launch.hpp"
#include "attn_grid/module.hpp"
#include "attn_grid/stream.hpp"
#include "attn_grid/target.hpp"
#include "attn_grid/tensor.hpp"
#include "attn_grid/tuning.hpp"

#endif
