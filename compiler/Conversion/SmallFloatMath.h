#ifndef AG_COMPILER_CONVERSION_SMALLFLOATMATH_H
#define AG_COMPILER_CONVERSION_SMALLFLOATMATH_H
/// Floats narrower than f32 by arithmetic on the bits of an f32, for machines
/// that lack the instruction, or have one that flushes subnormals. Values are
/// f32, or vectors or tiles of it; bytes are i8 of the same shape.

#include "compiler/Conversion/FloatEmitter.h"

namespace attn_grid::compiler {

/// Is a type f8e4m3 or f8e5m2?
bool isEightBitFloat(mlir::Type element);

/// To nearest even on the bits of an f32, of which `dropped` go; a NaN stays
/// one.
mlir::Value roundBits(FloatEmitter &e, mlir::Value value, int dropped);

/// The nearest f32 that an 8-bit format represents; beyond its largest number
/// infinity (f8e5m2) or NaN (f8e4m3, which has no infinity).
mlir::Value roundToEight(FloatEmitter &e, mlir::Value value,
                         mlir::Type element);
/// The byte of a value that is rounded already.
mlir::Value byteOfEight(FloatEmitter &e, mlir::Value value, mlir::Type element);
/// The f32 that a byte stands for.
mlir::Value valueOfEight(FloatEmitter &e, mlir::Value byte, mlir::Type element);

} // namespace attn_grid::compiler

#endif
