// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// W is no extent, so `i - W` may wrap upwards, at m + 15 - W > 2^31 - 1. The limit of
// the loop holds only if it does not, and so does each test in the loop: %[[SAFE]].
// CHECK-LABEL: ag.kernel @wrap_checked
// CHECK:     %[[WRAPS:.*]] = arith.cmpi sge, %{{.*}}, %c0_i64
// CHECK:     arith.select %[[WRAPS]], %c4611686018427387904_i64, %c-4611686018427387904_i64
// CHECK:     arith.subi %c2147483632_i64
// CHECK:     %[[SAFE:.*]] = arith.cmpi sge, %{{.*}}, %c0_i64
// CHECK:     scf.for
// CHECK:       %[[ABOVE:.*]] = arith.cmpi sge
// CHECK:       %[[ALL:.*]] = arith.andi %[[SAFE]], %[[ABOVE]]
// CHECK:       scf.if %[[ALL]]
// CHECK:       } else {
// CHECK:         %[[BELOW:.*]] = arith.cmpi sle
// CHECK:         %[[NONE:.*]] = arith.andi %[[SAFE]], %[[BELOW]]
// CHECK:         scf.if %[[NONE]]
// CHECK-NEXT:      scf.yield %[[ACC:.*]] :
// CHECK:         } else {
// CHECK:           ag.reduce any
ag.kernel @wrap_checked(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}, %W: i32) {
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
  %w = tensor.splat %W : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %low = arith.subi %rows, %w : tensor<16x16xi32>
    %keep = arith.cmpi sgt, %cols, %low : tensor<16x16xi32>
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

// `j + (2^31 - 1)` leaves an i32 in all columns but j = 0: nothing is concluded and
// nothing changes.
// CHECK-LABEL: ag.kernel @wrap_surely
// CHECK:     scf.for %{{.*}} = %c0_i32 to %arg1 step
// CHECK:       ag.reduce any
// CHECK:       scf.if
// CHECK:       } else {
// CHECK-NEXT:    scf.yield
// CHECK-NEXT:  }
// CHECK-NEXT:  scf.yield
// CHECK-NEXT: }
ag.kernel @wrap_surely(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %far = arith.constant dense<2147483647> : tensor<16x16xi32>
    %past = arith.addi %cols, %far : tensor<16x16xi32>
    %last = arith.subi %past, %far : tensor<16x16xi32>
    %more = arith.addi %past, %far : tensor<16x16xi32>
    %end_ = tensor.splat %N : tensor<16x16xi32>
    %keep = arith.cmpi slt, %more, %end_ : tensor<16x16xi32>
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

// As unsigned numbers j < W is j < W only if W is not negative, which the loop and
// each of its tests check.
// CHECK-LABEL: ag.kernel @unsigned
// CHECK:     %[[W:.*]] = arith.extsi %arg2 : i32 to i64
// CHECK:     %[[SIGN:.*]] = arith.cmpi sge, %[[W]], %c0_i64
// CHECK:     scf.for
// CHECK:       %[[BELOW:.*]] = arith.cmpi sle
// CHECK:       %[[ALL:.*]] = arith.andi %[[SIGN]], %[[BELOW]]
// CHECK:       scf.if %[[ALL]]
ag.kernel @unsigned(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %W: i32) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %v = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %iota = ag.iota : tensor<16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %w = tensor.splat %W : tensor<16x16xi32>
    %keep = arith.cmpi ult, %cols, %w : tensor<16x16xi32>
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
