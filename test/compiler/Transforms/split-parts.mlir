// RUN: ag-opt %s -ag-split-masked-loops -cse -split-input-file | FileCheck %s

// The last column of a block never counts, so the mask is never all true. Where
// all rows are behind the block, it is that column's mask alone, which is made
// before the loop; and some column counts, so nothing is tested.
// CHECK-LABEL: ag.kernel @causal_but_the_last
// CHECK:      %[[NOTLAST:.*]] = arith.cmpi slt, {{.*}} : tensor<16x16xi32>
// CHECK:      scf.for
// CHECK:        %[[ALL:.*]] = arith.cmpi sle
// CHECK-NEXT:   scf.if %[[ALL]]
// CHECK-NOT:      ag.reduce
// CHECK:          arith.select %[[NOTLAST]]
// CHECK:          ag.dot {{.*}} keep %[[NOTLAST]]
// CHECK:        } else {
// CHECK:          %[[KEEP:.*]] = arith.andi
// CHECK:          ag.reduce any %[[KEEP]]
// CHECK:          ag.dot {{.*}} keep %[[KEEP]]
ag.kernel @causal_but_the_last(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
  %fifteen = arith.constant dense<15> : tensor<16x16xi32>
  %place = ag.broadcast %iota along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %part = arith.cmpi slt, %place, %fifteen : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %causal = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %keep = arith.andi %causal, %part : tensor<16x16xi1>
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

// No column may count, as far as is known: the mask is tested each time.
// CHECK-LABEL: ag.kernel @causal_and_perhaps_none
// CHECK:      scf.for
// CHECK-NOT:    scf.if
// CHECK:        %[[KEEP:.*]] = arith.andi
// CHECK-NEXT:   %[[SOME:.*]] = ag.reduce any %[[KEEP]]
// CHECK-NEXT:   scf.if %[[SOME]]
ag.kernel @causal_and_perhaps_none(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
  %fifteen = arith.constant dense<15> : tensor<16x16xi32>
  %place = ag.broadcast %iota along [1] : tensor<16xi32> -> tensor<16x16xi32>
  %part = arith.cmpi sgt, %place, %fifteen : tensor<16x16xi32>
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %start = tensor.splat %n : tensor<16xi32>
    %col = arith.addi %start, %iota : tensor<16xi32>
    %cols = ag.broadcast %col along [1] : tensor<16xi32> -> tensor<16x16xi32>
    %causal = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %keep = arith.andi %causal, %part : tensor<16x16xi1>
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

// `later` is all true one row after `causal`: the copy of the branch for
// iterations in which both are needs neither. `else` says nothing of it.
// CHECK-LABEL: ag.kernel @causal_and_near
// CHECK:      scf.for
// CHECK:        %[[CAUSAL:.*]] = arith.cmpi sle
// CHECK:        %[[LATER:.*]] = arith.cmpi sle
// CHECK:        %[[BOTH:.*]] = arith.andi %[[CAUSAL]], %[[LATER]] : i1
// CHECK:        scf.if %[[BOTH]]
// CHECK-NEXT:     arith.addf
// CHECK-NEXT:     scf.yield
// CHECK:          ag.reduce any
// CHECK:          arith.cmpi sge
// CHECK:          arith.select
ag.kernel @causal_and_near(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %M: i32 {ag.extent}, %N: i32 {ag.extent}) {
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
    %causal = arith.cmpi sle, %cols, %rows : tensor<16x16xi32>
    %some = ag.reduce any %causal axes [0, 1] : tensor<16x16xi1> -> i1
    %new = scf.if %some -> (tensor<16x16xf32>) {
      %next = arith.addi %n, %size : i32
      %nexts = tensor.splat %next : tensor<16x16xi32>
      %later = arith.cmpi sge, %rows, %nexts : tensor<16x16xi32>
      %x = arith.select %later, %v, %none : tensor<16x16xi1>, tensor<16x16xf32>
      %sum = arith.addf %acc, %x : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %new : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}
