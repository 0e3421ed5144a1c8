#ifndef ATTN_GRID_ERROR_HPP
#define ATTN_GRID_ERROR_HPP
/// The errors that the public interface throws. Every check runs before
/// anything is written.

#include "attn_grid/export.hpp"
#include <stdexcept>

namespace attn_grid {

/// The base of all errors of this library.
struct AG_API Error : std::runtime_error {
  using runtime_error::runtime_error;
};
/// Shapes, ranges or options conflict: the caller changes the call.
struct AG_API InvalidArgument : Error {
  using Error::Error;
};
/// A kernel's source, or what it is bound to, is wrong: the kernel's author
/// reads the diagnostics in `what()`, one per mistake, each with its place.
struct AG_API CompileError : InvalidArgument {
  using InvalidArgument::InvalidArgument;
};
/// An element type other than the one wanted.
struct AG_API DTypeError : Error {
  using Error::Error;
};
/// An unknown name: a kernel, a parameter, a const, an option.
struct AG_API KeyError : Error {
  using Error::Error;
};
/// An index or position beyond what it indexes.
struct AG_API OutOfRange : Error {
  using Error::Error;
};
/// Legal, but this backend cannot do it: the caller picks another backend.
struct AG_API Unsupported : Error {
  using Error::Error;
};
/// The device, the operating system or a file failed.
struct AG_API BackendError : Error {
  using Error::Error;
};
/// The host's memory, or a device's, is used up. What the call was to make is
/// not there; everything else is as before, and works when memory is free.
struct AG_API OutOfMemory : BackendError {
  using BackendError::BackendError;
};

} // namespace attn_grid

namespace ag = attn_grid;

#endif
