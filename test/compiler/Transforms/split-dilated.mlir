// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// Every fourth key up to the row's own: no tile is surely full, so there is one body,
// with its mask and its test; the causal half still ends the loop.
// CHECK-LABEL: ag.kernel @dilated
// CHECK:     %[[UPPER:.*]] = arith.trunci
// CHECK:     scf.for %{{.*}} = %c0_i32 to %[[UPPER]] step %c16_i32
// CHECK:       %[[SOME:.*]] = ag.reduce any %[[KEEP:.*]] axes
// CHECK-NEXT:  scf.if %[[SOME]]
// CHECK:         ag.dot {{.*}} keep %[[KEEP]]
// CHECK-NOT:   ag.dot
// CHECK:     ag.return
ag.kernel @dilated(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %apart = arith.subi %rows, %cols : tensor<16x16xi32>
    %rate = arith.constant dense<4> : tensor<16x16xi32>
    %rest = arith.remsi %apart, %rate : tensor<16x16xi32>
    %nought = arith.constant dense<0> : tensor<16x16xi32>
    %on = arith.cmpi eq, %rest, %nought : tensor<16x16xi32>
    %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %keep = arith.andi %on, %below : tensor<16x16xi1>
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
