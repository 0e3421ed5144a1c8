// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// CHECK-LABEL: func @iota
// CHECK: ag.iota : tensor<64xi32>
func.func @iota() -> tensor<64xi32> {
  %r = ag.iota : tensor<64xi32>
  return %r : tensor<64xi32>
}

// CHECK-LABEL: func @broadcast_new_axis
// CHECK: ag.broadcast %{{.*}} along [0] : tensor<64xi32> -> tensor<64x32xi32>
func.func @broadcast_new_axis(%x: tensor<64xi32>) -> tensor<64x32xi32> {
  %r = ag.broadcast %x along [0] : tensor<64xi32> -> tensor<64x32xi32>
  return %r : tensor<64x32xi32>
}

// An axis of extent 1 is repeated.
// CHECK-LABEL: func @broadcast_extent_one
// CHECK: ag.broadcast %{{.*}} along [0, 1] : tensor<1x32xf32> -> tensor<64x32xf32>
func.func @broadcast_extent_one(%x: tensor<1x32xf32>) -> tensor<64x32xf32> {
  %r = ag.broadcast %x along [0, 1] : tensor<1x32xf32> -> tensor<64x32xf32>
  return %r : tensor<64x32xf32>
}

// CHECK-LABEL: func @broadcast_between
// CHECK: ag.broadcast %{{.*}} along [0, 2] : tensor<2x4xf32> -> tensor<2x8x4xf32>
func.func @broadcast_between(%x: tensor<2x4xf32>) -> tensor<2x8x4xf32> {
  %r = ag.broadcast %x along [0, 2] : tensor<2x4xf32> -> tensor<2x8x4xf32>
  return %r : tensor<2x8x4xf32>
}

// CHECK-LABEL: func @transpose
// CHECK: ag.transpose %{{.*}} [1, 0] : tensor<64x128xf16> -> tensor<128x64xf16>
func.func @transpose(%x: tensor<64x128xf16>) -> tensor<128x64xf16> {
  %r = ag.transpose %x [1, 0] : tensor<64x128xf16> -> tensor<128x64xf16>
  return %r : tensor<128x64xf16>
}

// Axis a of the result is axis permutation[a] of the input.
// CHECK-LABEL: func @transpose_three_axes
// CHECK: ag.transpose %{{.*}} [2, 0, 1] : tensor<2x4x8xi1> -> tensor<8x2x4xi1>
func.func @transpose_three_axes(%x: tensor<2x4x8xi1>) -> tensor<8x2x4xi1> {
  %r = ag.transpose %x [2, 0, 1] : tensor<2x4x8xi1> -> tensor<8x2x4xi1>
  return %r : tensor<8x2x4xi1>
}

// CHECK-LABEL: func @reshape
// CHECK: ag.reshape %{{.*}} : tensor<64x1xf32> -> tensor<64xf32>
func.func @reshape(%x: tensor<64x1xf32>) -> tensor<64xf32> {
  %r = ag.reshape %x : tensor<64x1xf32> -> tensor<64xf32>
  return %r : tensor<64xf32>
}
