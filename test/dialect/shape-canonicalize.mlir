// RUN: ag-opt %s -canonicalize | FileCheck %s

// Nothing is repeated.
// CHECK-LABEL: func @broadcast_same_type
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK-NEXT: return %[[X]]
func.func @broadcast_same_type(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %r = ag.broadcast %x along [0, 1] : tensor<4x8xf32> -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func @broadcast_splat
// CHECK: %[[R:.*]] = arith.constant dense<2.000000e+00> : tensor<4x8xf32>
// CHECK: return %[[R]]
func.func @broadcast_splat() -> tensor<4x8xf32> {
  %x = arith.constant dense<2.0> : tensor<4xf32>
  %r = ag.broadcast %x along [0] : tensor<4xf32> -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func @no_fold_broadcast_values
// CHECK: ag.broadcast
func.func @no_fold_broadcast_values() -> tensor<2x2xf32> {
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %r = ag.broadcast %x along [0] : tensor<2xf32> -> tensor<2x2xf32>
  return %r : tensor<2x2xf32>
}

// CHECK-LABEL: func @transpose_identity
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK-NEXT: return %[[X]]
func.func @transpose_identity(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %r = ag.transpose %x [0, 1] : tensor<4x8xf32> -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func @transpose_twice
// CHECK-SAME: %[[X:.*]]: tensor<2x4x8xf32>
// CHECK-NEXT: return %[[X]]
func.func @transpose_twice(%x: tensor<2x4x8xf32>) -> tensor<2x4x8xf32> {
  %y = ag.transpose %x [2, 0, 1] : tensor<2x4x8xf32> -> tensor<8x2x4xf32>
  %r = ag.transpose %y [1, 2, 0] : tensor<8x2x4xf32> -> tensor<2x4x8xf32>
  return %r : tensor<2x4x8xf32>
}

// A rotation done twice is the other rotation, not nothing.
// CHECK-LABEL: func @no_fold_rotation_twice
// CHECK: ag.transpose
func.func @no_fold_rotation_twice(%x: tensor<4x4x4xf32>) -> tensor<4x4x4xf32> {
  %y = ag.transpose %x [2, 0, 1] : tensor<4x4x4xf32> -> tensor<4x4x4xf32>
  %r = ag.transpose %y [2, 0, 1] : tensor<4x4x4xf32> -> tensor<4x4x4xf32>
  return %r : tensor<4x4x4xf32>
}

// CHECK-LABEL: func @transpose_splat
// CHECK: arith.constant dense<1> : tensor<8x4xi32>
// CHECK-NOT: ag.transpose
func.func @transpose_splat() -> tensor<8x4xi32> {
  %x = arith.constant dense<1> : tensor<4x8xi32>
  %r = ag.transpose %x [1, 0] : tensor<4x8xi32> -> tensor<8x4xi32>
  return %r : tensor<8x4xi32>
}

// CHECK-LABEL: func @reshape_same_type
// CHECK-SAME: %[[X:.*]]: tensor<4x8xf32>
// CHECK-NEXT: return %[[X]]
func.func @reshape_same_type(%x: tensor<4x8xf32>) -> tensor<4x8xf32> {
  %r = ag.reshape %x : tensor<4x8xf32> -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// CHECK-LABEL: func @reshape_splat
// CHECK: arith.constant dense<0.000000e+00> : tensor<32xf64>
// CHECK-NOT: ag.reshape
func.func @reshape_splat() -> tensor<32xf64> {
  %x = arith.constant dense<0.0> : tensor<4x8xf64>
  %r = ag.reshape %x : tensor<4x8xf64> -> tensor<32xf64>
  return %r : tensor<32xf64>
}
