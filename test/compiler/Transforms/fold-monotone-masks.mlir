// RUN: ag-opt %s -ag-fold-monotone-masks -cse -split-input-file | FileCheck %s

// Some column is kept by some row exactly if the first is by the last.
// CHECK-LABEL: ag.kernel @causal
// CHECK-DAG:  %[[C0:.*]] = arith.constant 0 : i32
// CHECK-DAG:  %[[C15:.*]] = arith.constant 15 : i32
// CHECK-DAG:  %[[COL:.*]] = arith.addi %arg1, %[[C0]] : i32
// CHECK-DAG:  %[[ROW:.*]] = arith.addi %arg2, %[[C15]] : i32
// CHECK-DAG:  %[[BELOW:.*]] = arith.cmpi sle, %[[COL]], %[[ROW]] : i32
// CHECK-DAG:  %[[INSIDE:.*]] = arith.cmpi slt, %[[COL]], %arg3 : i32
// CHECK:      %[[SOME:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// All are kept exactly if the last column is by the first row.
// CHECK:      %[[LASTCOL:.*]] = arith.addi %arg1, %[[C15]] : i32
// CHECK:      arith.addi %arg2, %[[C0]] : i32
// CHECK-NOT:  ag.reduce
// CHECK:      ag.return
ag.kernel @causal(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32 {ag.extent}, %m: i32 {ag.extent}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [2], strides: [1] : memref<i1> to memref<2xi1, strided<[1]>>
  %iota = ag.iota : tensor<16xi32>
  %ns = tensor.splat %n : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %col = arith.addi %ns, %iota : tensor<16xi32>
  %row = arith.addi %ms, %iota : tensor<16xi32>
  %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
  %size = tensor.splat %N : tensor<16x16xi32>
  %inside = arith.cmpi slt, %cols, %size : tensor<16x16xi32>
  %keep = arith.andi %below, %inside : tensor<16x16xi1>
  %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
  %every = ag.reduce all %keep axes [0, 1] : tensor<16x16xi1> -> i1
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  ag.store %some, %t[%zero : 0] : i1, memref<2xi1, strided<[1]>>
  ag.store %every, %t[%one : 0] : i1, memref<2xi1, strided<[1]>>
  ag.return
}

// -----

// A window is no corner's matter; nor is a sum that may wrap.
// CHECK-LABEL: ag.kernel @others
// CHECK-COUNT-2: ag.reduce any
ag.kernel @others(%p: memref<i1> {ag.name = "p", ag.access = "out"}, %n: i32, %m: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [2], strides: [1] : memref<i1> to memref<2xi1, strided<[1]>>
  %iota = ag.iota : tensor<16xi32>
  %ms = tensor.splat %m : tensor<16xi32>
  %above = arith.cmpi sle, %ms, %iota : tensor<16xi32>
  %five = arith.constant dense<5> : tensor<16xi32>
  %below = arith.cmpi sle, %iota, %five : tensor<16xi32>
  %window = arith.andi %above, %below : tensor<16xi1>
  %ns = tensor.splat %n : tensor<16xi32>
  %wraps = arith.addi %ns, %iota : tensor<16xi32>
  %wrapped = arith.cmpi sle, %wraps, %ms : tensor<16xi32>
  %a = ag.reduce any %window axes [0] : tensor<16xi1> -> i1
  %b = ag.reduce any %wrapped axes [0] : tensor<16xi1> -> i1
  %zero = arith.constant 0 : i32
  %one = arith.constant 1 : i32
  ag.store %a, %t[%zero : 0] : i1, memref<2xi1, strided<[1]>>
  ag.store %b, %t[%one : 0] : i1, memref<2xi1, strided<[1]>>
  ag.return
}
