// RUN: ag-opt %s | ag-opt | FileCheck %s
// RUN: ag-opt %s -mlir-print-op-generic | ag-opt | FileCheck %s

// CHECK-LABEL: func @reduce_rows
// CHECK: ag.reduce max %{{.*}} axes [1] : tensor<64x32xf32> -> tensor<64xf32>
func.func @reduce_rows(%x: tensor<64x32xf32>) -> tensor<64xf32> {
  %r = ag.reduce max %x axes [1] : tensor<64x32xf32> -> tensor<64xf32>
  return %r : tensor<64xf32>
}

// All axes: a scalar.
// CHECK-LABEL: func @reduce_to_scalar
// CHECK: ag.reduce any %{{.*}} axes [0, 1] : tensor<4x4xi1> -> i1
func.func @reduce_to_scalar(%x: tensor<4x4xi1>) -> i1 {
  %r = ag.reduce any %x axes [0, 1] : tensor<4x4xi1> -> i1
  return %r : i1
}

// Sums widen, the other kinds keep the element type.
// CHECK-LABEL: func @reduce_sum_types
// CHECK: ag.reduce sum %{{.*}} axes [0] : tensor<8xf16> -> f32
// CHECK: ag.reduce sum %{{.*}} axes [0] : tensor<8xi8> -> i32
// CHECK: ag.reduce sum %{{.*}} axes [0] : tensor<8xi64> -> i64
func.func @reduce_sum_types(%h: tensor<8xf16>, %b: tensor<8xi8>, %l: tensor<8xi64>) -> (f32, i32, i64) {
  %x = ag.reduce sum %h axes [0] : tensor<8xf16> -> f32
  %y = ag.reduce sum %b axes [0] : tensor<8xi8> -> i32
  %z = ag.reduce sum %l axes [0] : tensor<8xi64> -> i64
  return %x, %y, %z : f32, i32, i64
}

// CHECK-LABEL: func @reduce_kinds
// CHECK: ag.reduce prod {{.*}} -> bf16
// CHECK: ag.reduce min {{.*}} -> bf16
// CHECK: ag.reduce argmin {{.*}} -> i32
// CHECK: ag.reduce argmax {{.*}} -> i32
func.func @reduce_kinds(%x: tensor<8xbf16>) -> (bf16, bf16, i32, i32) {
  %0 = ag.reduce prod %x axes [0] : tensor<8xbf16> -> bf16
  %1 = ag.reduce min %x axes [0] : tensor<8xbf16> -> bf16
  %2 = ag.reduce argmin %x axes [0] : tensor<8xbf16> -> i32
  %3 = ag.reduce argmax %x axes [0] : tensor<8xbf16> -> i32
  return %0, %1, %2, %3 : bf16, bf16, i32, i32
}

// CHECK-LABEL: func @reduce_unsigned_and_masks
// CHECK: ag.reduce umin {{.*}} -> i32
// CHECK: ag.reduce umax {{.*}} -> i32
// CHECK: ag.reduce all {{.*}} axes [0] : tensor<2x4xi1> -> tensor<4xi1>
func.func @reduce_unsigned_and_masks(%x: tensor<8xi32>, %m: tensor<2x4xi1>) -> (i32, i32, tensor<4xi1>) {
  %0 = ag.reduce umin %x axes [0] : tensor<8xi32> -> i32
  %1 = ag.reduce umax %x axes [0] : tensor<8xi32> -> i32
  %2 = ag.reduce all %m axes [0] : tensor<2x4xi1> -> tensor<4xi1>
  return %0, %1, %2 : i32, i32, tensor<4xi1>
}
