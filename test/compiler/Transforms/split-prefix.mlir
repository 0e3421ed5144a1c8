// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// j < P or j <= i: the loop ends at the later of both limits, and a tile is full if
// either half says so.
// CHECK-LABEL: ag.kernel @prefix
// CHECK:     %[[P:.*]] = arith.addi %{{.*}}, %c-1_i64
// CHECK:     %[[LAST:.*]] = arith.addi %{{.*}}, %c15_i64
// CHECK:     %[[LATER:.*]] = arith.maxsi %[[P]], %[[LAST]]
// CHECK:     %[[BEHIND:.*]] = arith.addi %[[LATER]], %c1_i64
// CHECK:     %[[UPPER:.*]] = arith.trunci
// CHECK:     scf.for %{{.*}} = %c0_i32 to %[[UPPER]] step %c16_i32
// CHECK:       %[[ALL:.*]] = arith.ori
// CHECK:       scf.if %[[ALL]]
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         ag.reduce any
ag.kernel @prefix(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}, %P: i32) {
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
    %limit = tensor.splat %P : tensor<16x16xi32>
    %pre = arith.cmpi slt, %cols, %limit : tensor<16x16xi32>
    %below = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %keep = arith.ori %pre, %below : tensor<16x16xi1>
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

// -----

// `not (j - i <= 64)`: negation swaps full and empty; the loop starts later.
// CHECK-LABEL: ag.kernel @outside_band
// CHECK:     %[[LOWER:.*]] = arith.trunci
// CHECK:     scf.for %{{.*}} = %[[LOWER]] to %arg2 step %c16_i32
// CHECK:       %[[ALL:.*]] = arith.cmpi sge
// CHECK:       scf.if %[[ALL]]
// CHECK-NOT:     keep
// CHECK:       } else {
ag.kernel @outside_band(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %far = arith.subi %cols, %rows : tensor<16x16xi32>
    %width = arith.constant dense<64> : tensor<16x16xi32>
    %near = arith.cmpi sle, %far, %width : tensor<16x16xi32>
    %yes = arith.constant dense<true> : tensor<16x16xi1>
    %keep = arith.xori %near, %yes : tensor<16x16xi1>
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

// -----

// j / 24 == i / 24: quotients by constants keep their limits.
// CHECK-LABEL: ag.kernel @blocks
// CHECK:     %[[LOWER:.*]] = arith.trunci
// CHECK:     %[[UPPER:.*]] = arith.trunci
// CHECK:     scf.for %{{.*}} = %[[LOWER]] to %[[UPPER]] step %c16_i32
ag.kernel @blocks(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %eight = arith.constant dense<24> : tensor<16x16xi32>
    %cb = arith.divsi %cols, %eight : tensor<16x16xi32>
    %rb = arith.divsi %rows, %eight : tensor<16x16xi32>
    %keep = arith.cmpi eq, %cb, %rb : tensor<16x16xi32>
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
