// RUN: ag-opt %s -canonicalize -cse | FileCheck %s

// Reading writes nothing, so a read that nobody uses goes...
// CHECK-LABEL: func @load_unused
// CHECK-NEXT: return
func.func @load_unused(%t: memref<?xf32>, %i: i32) {
  %x = ag.load %t[%i : 8] : memref<?xf32> -> tensor<8xf32>
  return
}

// ...and two equal reads with no write between are one.
// CHECK-LABEL: func @load_twice
// CHECK: %[[X:.*]] = ag.load
// CHECK-NOT: ag.load
// CHECK: arith.addf %[[X]], %[[X]]
func.func @load_twice(%t: memref<?xf32>, %i: i32) -> f32 {
  %x = ag.load %t[%i] : memref<?xf32> -> f32
  %y = ag.load %t[%i] : memref<?xf32> -> f32
  %s = arith.addf %x, %y : f32
  return %s : f32
}

// A write between them may have changed the element.
// CHECK-LABEL: func @no_cse_across_store
// CHECK: ag.load
// CHECK: ag.store
// CHECK: ag.load
func.func @no_cse_across_store(%t: memref<?xf32>, %i: i32, %j: i32, %v: f32) -> f32 {
  %x = ag.load %t[%i] : memref<?xf32> -> f32
  ag.store %v, %t[%j] : f32, memref<?xf32>
  %y = ag.load %t[%i] : memref<?xf32> -> f32
  %s = arith.addf %x, %y : f32
  return %s : f32
}

// A write is never dropped, not even twice in a row.
// CHECK-LABEL: func @store_twice
// CHECK-COUNT-2: ag.store
func.func @store_twice(%t: memref<?xf32>, %i: i32, %v: f32) {
  ag.store %v, %t[%i] : f32, memref<?xf32>
  ag.store %v, %t[%i] : f32, memref<?xf32>
  return
}

// What keeps everything needs no mask.
// CHECK-LABEL: func @keep_true
// CHECK-NOT: keep
// CHECK: return
func.func @keep_true(%t: memref<?xf32>, %i: i32, %at: tensor<8xi32>) -> tensor<8xf32> {
  %yes = arith.constant dense<true> : tensor<8xi1>
  %x = ag.load %t[%i : 8] keep %yes : memref<?xf32> -> tensor<8xf32>
  ag.store %x, %t[%i : 8] keep %yes : tensor<8xf32>, memref<?xf32>
  %y = ag.gather %t[%at] keep %yes : (memref<?xf32>, tensor<8xi32>, tensor<8xi1>) -> tensor<8xf32>
  ag.scatter %y, %t[%at] keep %yes : (tensor<8xf32>, memref<?xf32>, tensor<8xi32>, tensor<8xi1>) -> ()
  %old = ag.atomic add %y, %t[%i] extents [8] keep %yes : (tensor<8xf32>, memref<?xf32>, i32, tensor<8xi1>) -> tensor<8xf32>
  return %y : tensor<8xf32>
}
