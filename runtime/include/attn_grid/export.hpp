#ifndef ATTN_GRID_EXPORT_HPP
#define ATTN_GRID_EXPORT_HPP
/// What the shared library shows to its users; all else is hidden.

#if defined(_WIN32)
#error "attn_grid is built for ELF and Mach-O systems"
#endif
/// Marks a class or function that users of the shared library may name.
#define AG_API __attribute__((visibility("default")))

#endif
