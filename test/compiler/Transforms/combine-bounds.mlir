// RUN: ag-opt %s -ag-combine-bounds -cse -canonicalize -split-input-file | FileCheck %s

// One comparison of the column's number with a bound per row.
// CHECK-LABEL: ag.kernel @causal
// CHECK:      %[[IOTA:.*]] = ag.iota
// CHECK:      %[[BOUND:.*]] = arith.minsi %{{.*}}, %{{.*}} : tensor<16x1xi32>
// CHECK:      %[[MOVED:.*]] = arith.subi %[[BOUND]], %{{.*}} : tensor<16x1xi32>
// CHECK-DAG:  %[[COLS:.*]] = ag.broadcast %[[IOTA]] along [1]
// CHECK-DAG:  %[[LIMITS:.*]] = ag.broadcast %[[MOVED]] along [0, 1]
// CHECK:      %[[KEEP:.*]] = arith.cmpi sle, %[[COLS]], %[[LIMITS]] : tensor<16x16xi32>
// CHECK-NOT:  arith.cmpi
// CHECK:      ag.store %[[KEEP]]
ag.kernel @causal(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32 {ag.extent}, %m: i32 {ag.extent}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<i1> to memref<16x16xi1, strided<[16, 1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %row = arith.addi %ms, %iota : tensor<16xi32>
  %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
  %few = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<1x16xi32>
  %size = tensor.splat %N : tensor<1x16xi32>
  %some = arith.cmpi slt, %few, %size : tensor<1x16xi32>
  %inside = ag.broadcast %some along [0, 1] : tensor<1x16xi1> -> tensor<16x16xi1>
  %keep = arith.andi %below, %inside : tensor<16x16xi1>
  %zero = arith.constant 0 : i32
  ag.store %keep, %t[%zero : 16, %zero : 16] : tensor<16x16xi1>, memref<16x16xi1, strided<[16, 1]>>
  ag.return
}

// -----

// What might wrap stays as it is.
// CHECK-LABEL: ag.kernel @wraps
// CHECK:      arith.addi
// CHECK:      arith.cmpi slt
// CHECK-NOT:  arith.subi
ag.kernel @wraps(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32, %m: i32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<i1> to memref<16xi1, strided<[1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %keep = arith.cmpi slt, %col, %ms : tensor<16xi32>
  %zero = arith.constant 0 : i32
  ag.store %keep, %t[%zero : 16] : tensor<16xi1>, memref<16xi1, strided<[1]>>
  ag.return
}
