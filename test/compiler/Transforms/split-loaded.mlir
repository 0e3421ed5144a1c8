// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// Loaded buckets count by their minimum and maximum: those of the rows once, before
// the loop, those of the keys in each iteration. Full if all are one bucket, empty if
// the ranges do not meet; only else the mask is computed.
// CHECK-LABEL: ag.kernel @buckets
// CHECK:     %[[ROWS:.*]] = ag.load {{.*}} -> tensor<16xi32>
// CHECK-DAG: ag.reduce min %[[ROWS]]
// CHECK-DAG: ag.reduce max %[[ROWS]]
// CHECK:     scf.for
// CHECK:       %[[KEYS:.*]] = ag.load
// CHECK-DAG:   ag.reduce min %[[KEYS]]
// CHECK-DAG:   ag.reduce max %[[KEYS]]
// CHECK:       %[[ALL:.*]] = arith.andi
// CHECK:       scf.if %[[ALL]]
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         %[[NONE:.*]] = arith.ori
// CHECK:         scf.if %[[NONE]]
// CHECK-NEXT:      scf.yield
// CHECK-NEXT:    } else {
// CHECK:           arith.cmpi eq, {{.*}} : tensor<16x16xi32>
// CHECK:           ag.reduce any
ag.kernel @buckets(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %buckets: memref<i32> {ag.name = "buckets", ag.access = "in"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %ahead = arith.constant 15 : i32
  %padded = arith.addi %M, %ahead : i32
  %blocks = arith.divsi %padded, %size : i32
  %block = ag.program_id %blocks : i32
  %m = arith.muli %block, %size : i32
  %base = tensor.splat %m : tensor<16xi32>
  %row = arith.addi %base, %iota : tensor<16xi32>
  %rows = ag.broadcast %row along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %Nx = arith.index_cast %N : i32 to index
  %b = memref.reinterpret_cast %buckets to offset: [0], sizes: [%Nx], strides: [1] : memref<i32> to memref<?xi32, strided<[1]>>
  %bqv = ag.load %b[%m : 16] : memref<?xi32, strided<[1]>> -> tensor<16xi32>
  %bq = ag.broadcast %bqv along [0] : tensor<16xi32> -> tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %bkv = ag.load %b[%n : 16] : memref<?xi32, strided<[1]>> -> tensor<16xi32>
    %bk = ag.broadcast %bkv along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %keep = arith.cmpi eq, %bq, %bk : tensor<16x16xi32>
    %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %x = arith.select %keep, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = ag.dot %x, %v, %acc keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}
