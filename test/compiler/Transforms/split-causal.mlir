// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// Keys up to m + 15 (the last row of the block) matter to some row: the loop ends
// there. Up to m - 15 they matter to all rows: those iterations need no mask.
// CHECK-LABEL: ag.kernel @causal
// CHECK:      %[[M:.*]] = arith.muli %{{.*}}, %{{.*}} : i32
// CHECK:      %[[END:.*]] = arith.extsi %arg2 : i32 to i64
// CHECK-NEXT: %[[M64:.*]] = arith.extsi %[[M]] : i32 to i64
// CHECK-NEXT: %[[LAST:.*]] = arith.addi %[[M64]], %c15_i64
// CHECK-NEXT: %[[BEHIND:.*]] = arith.addi %[[LAST]], %c1_i64
// CHECK-NEXT: %[[START:.*]] = arith.maxsi %[[BEHIND]], %c0_i64
// CHECK-NEXT: %[[UPPER64:.*]] = arith.minsi %[[START]], %[[END]]
// CHECK-NEXT: %[[UPPER:.*]] = arith.trunci %[[UPPER64]] : i64 to i32
// CHECK:      %[[FULL:.*]] = arith.addi %[[M64]], %c-15_i64
// CHECK:      scf.for %[[N:.*]] = %c0_i32 to %[[UPPER]] step %c16_i32
// CHECK-NEXT:   %[[N64:.*]] = arith.extsi %[[N]] : i32 to i64
// CHECK-NEXT:   %[[ALL:.*]] = arith.cmpi sle, %[[N64]], %[[FULL]]
// CHECK-NEXT:   scf.if %[[ALL]]
// CHECK-NOT:      ag.reduce
// CHECK-NOT:      arith.select
// CHECK-NOT:      keep
// CHECK:          ag.dot
// CHECK-NOT:      keep
// CHECK:        } else {
// CHECK:          %[[KEEP:.*]] = arith.cmpi sle, {{.*}} : tensor<16x16xi32>
// CHECK-NEXT:     %[[SOME:.*]] = ag.reduce any %[[KEEP]]
// CHECK-NEXT:     scf.if %[[SOME]]
// CHECK:            arith.select %[[KEEP]]
// CHECK:            ag.dot {{.*}} keep %[[KEEP]]
ag.kernel @causal(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %keep = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
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

// Without a kept key the iteration still does something: none may be left out, but
// the mask-free body stays.
// CHECK-LABEL: ag.kernel @no_tighten_not_idle
// CHECK:     scf.for %{{.*}} = %c0_i32 to %arg2 step
// CHECK:       scf.if
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         scf.if
// CHECK:           arith.addf
// CHECK:         } else {
// CHECK:           ag.reduce any
ag.kernel @no_tighten_not_idle(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %keep = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %some = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %x = arith.select %keep, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = ag.dot %x, %v, %acc keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      %twice = arith.addf %acc, %acc : tensor<16x16xf32>
      scf.yield %twice : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// What stands before the test has an effect: every iteration must run.
// CHECK-LABEL: ag.kernel @no_tighten_effect_before
// CHECK:     scf.for %{{.*}} = %c0_i32 to %arg2 step
// CHECK-NEXT:  ag.store
// CHECK:       scf.if
// CHECK-NOT:     keep
// CHECK:       } else {
// CHECK:         ag.reduce any
ag.kernel @no_tighten_effect_before(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    ag.store %acc, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
    %keep = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
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

// `if not any(keep)` does its work where the mask is empty; there it is the constant
// false, and the select and the dot of nothing remain without a mask.
// CHECK-LABEL: ag.kernel @test_negated
// CHECK:     scf.for
// CHECK:       %[[EMPTY:.*]] = arith.cmpi sge
// CHECK-NEXT:  scf.if %[[EMPTY]]
// CHECK-NOT:     ag.reduce
// CHECK-NOT:     arith.select
// CHECK:       } else {
ag.kernel @test_negated(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %keep = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %kept = ag.reduce any %keep axes [0, 1] : tensor<16x16xi1> -> i1
    %true = arith.constant true
    %some = arith.xori %kept, %true : i1
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
