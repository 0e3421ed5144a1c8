// RUN: ag-opt %s -canonicalize | FileCheck %s

// CHECK-LABEL: func @gather_unused
// CHECK-NEXT: return
func.func @gather_unused(%t: memref<?xf32>, %i: tensor<8xi32>) {
  %x = ag.gather %t[%i] : (memref<?xf32>, tensor<8xi32>) -> tensor<8xf32>
  return
}

// An update is an effect, used or not.
// CHECK-LABEL: func @atomic_unused
// CHECK: ag.atomic add
func.func @atomic_unused(%t: memref<?xf32>, %x: f32, %i: i32) {
  %old = ag.atomic add %x, %t[%i] extents [0] : (f32, memref<?xf32>, i32) -> f32
  return
}

// A mask that is true everywhere leaves nothing out, wherever it stands.
// CHECK-LABEL: func @keep_true
// CHECK-NOT: keep
// CHECK: return
func.func @keep_true(%t: memref<?xf32>, %i: tensor<8xi32>, %b: i32) -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) {
  %keep = arith.constant dense<true> : tensor<8xi1>
  %x = ag.load %t[%b : 8] keep %keep : memref<?xf32> -> tensor<8xf32>
  %y = ag.gather %t[%i] keep %keep : (memref<?xf32>, tensor<8xi32>, tensor<8xi1>) -> tensor<8xf32>
  %old = ag.atomic add %x, %t[%b] extents [8] keep %keep : (tensor<8xf32>, memref<?xf32>, i32, tensor<8xi1>) -> tensor<8xf32>
  ag.scatter %x, %t[%i] keep %keep : (tensor<8xf32>, memref<?xf32>, tensor<8xi32>, tensor<8xi1>) -> ()
  ag.store %y, %t[%b : 8] keep %keep : tensor<8xf32>, memref<?xf32>
  return %x, %y, %old : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
}

// CHECK-LABEL: func @keep_false
// CHECK: ag.store {{.*}} keep
func.func @keep_false(%t: memref<?xf32>, %b: i32, %x: f32) {
  %keep = arith.constant false
  ag.store %x, %t[%b] keep %keep : f32, memref<?xf32>
  return
}
