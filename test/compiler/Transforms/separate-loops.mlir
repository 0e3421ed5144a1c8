// RUN: ag-opt %s -ag-separate-loops -canonicalize -cse -split-input-file | FileCheck %s

// As many iterations of 16 as lie below N go first, and load without a test.
// CHECK-LABEL: ag.kernel @flash
// CHECK-DAG:  %[[C16:.*]] = arith.constant 16 : i64
// CHECK:      %[[SPAN:.*]] = arith.maxsi
// CHECK:      %[[COUNT:.*]] = arith.divui %[[SPAN]], %[[C16]]
// CHECK:      %[[MID64:.*]] = arith.minsi
// CHECK:      %[[MID:.*]] = arith.trunci %[[MID64]] : i64 to i32
// CHECK:      %[[FIRST:.*]] = scf.for %{{.*}} = %c0_i32 to %[[MID]] step %c16_i32
// CHECK-NEXT:   ag.load {{.*}} {ag.inside = array<i64: 0>}
// CHECK-NEXT:   arith.addf
// CHECK-NEXT:   scf.yield
// CHECK:      scf.for %{{.*}} = %[[MID]] to %arg1 step %c16_i32 iter_args(%{{.*}} = %[[FIRST]])
// CHECK-NEXT:   ag.load
// CHECK-NOT:      ag.inside
// CHECK:        arith.subf
ag.kernel @flash(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}) {
  %rows = arith.index_cast %N : i32 to index
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [%rows, 16], strides: [16, 1] : memref<f32> to memref<?x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %wide = arith.extsi %N : i32 to i64
  %less = arith.constant -16 : i64
  %limit = arith.addi %wide, %less : i64
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %full = arith.cmpi sle, %n64, %limit : i64
    %next = scf.if %full -> (tensor<16x16xf32>) {
      %k = ag.load %t[%n : 16, %zero : 16] : memref<?x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
      %sum = arith.addf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      %k = ag.load %t[%n : 16, %zero : 16] : memref<?x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
      %sum = arith.subf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    }
    scf.yield %next : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<?x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// The limit changes with the iterations: they may take the branch again.
// CHECK-LABEL: ag.kernel @changing_limit
// CHECK-COUNT-1: scf.for
// CHECK:         scf.if
// CHECK-NOT:     scf.for
ag.kernel @changing_limit(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32, strided<[1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  scf.for %n = %zero to %N step %size : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %limit = arith.muli %n64, %n64 : i64
    %full = arith.cmpi sle, %n64, %limit : i64
    %tile = ag.load %t[%n : 16] : memref<16xf32, strided<[1]>> -> tensor<16xf32>
    scf.if %full {
      ag.store %tile, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    } else {
      ag.store %tile, %t[%n : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    }
  }
  ag.return
}

// -----

// No branch, but the last tiles of what a dot contracts may stick out.
// CHECK-LABEL: ag.kernel @contracted
// CHECK:      %[[COUNT:.*]] = arith.divui
// CHECK:      %[[MID64:.*]] = arith.muli %[[COUNT]]
// CHECK:      %[[MID:.*]] = arith.trunci %[[MID64]] : i64 to i32
// CHECK:      %[[FIRST:.*]] = scf.for %{{.*}} = %c0_i32 to %[[MID]] step %c16_i32
// CHECK-NEXT:   ag.load {{.*}} {ag.inside = array<i64: 1>}
// CHECK-NEXT:   ag.load {{.*}} {ag.inside = array<i64: 0>}
// CHECK-NEXT:   ag.dot
// CHECK-NEXT:   scf.yield
// CHECK:      scf.for %{{.*}} = %[[MID]] to %arg2 step %c16_i32 iter_args(%{{.*}} = %[[FIRST]])
// CHECK-NOT:    ag.inside
// CHECK:        ag.dot
ag.kernel @contracted(%p: memref<f16> {ag.name = "p", ag.access = "in"}, %q: memref<f32> {ag.name = "q", ag.access = "out"}, %K: i32 {ag.extent}) {
  %size = arith.index_cast %K : i32 to index
  %a = memref.reinterpret_cast %p to offset: [0], sizes: [16, %size], strides: [%size, 1] : memref<f16> to memref<16x?xf16, strided<[?, 1]>>
  %b = memref.reinterpret_cast %p to offset: [0], sizes: [%size, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
  %c = memref.reinterpret_cast %q to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %step = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %sum = scf.for %k = %zero to %K step %step iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %x = ag.load %a[%zero : 16, %k : 16] : memref<16x?xf16, strided<[?, 1]>> -> tensor<16x16xf16>
    %y = ag.load %b[%k : 16, %zero : 16] : memref<?x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
    %d = ag.dot %x, %y, %acc : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
    scf.yield %d : tensor<16x16xf32>
  }
  ag.store %sum, %c[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// Tiles longer than a step: more than the last one may stick out.
// CHECK-LABEL: ag.kernel @longer_tiles
// CHECK-COUNT-1: scf.for
// CHECK-NOT:     scf.for
ag.kernel @longer_tiles(%p: memref<f16> {ag.name = "p", ag.access = "in"}, %q: memref<f32> {ag.name = "q", ag.access = "out"}, %K: i32 {ag.extent}) {
  %size = arith.index_cast %K : i32 to index
  %b = memref.reinterpret_cast %p to offset: [0], sizes: [%size, 16], strides: [16, 1] : memref<f16> to memref<?x16xf16, strided<[16, 1]>>
  %c = memref.reinterpret_cast %q to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %step = arith.constant 8 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %sum = scf.for %k = %zero to %K step %step iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %y = ag.load %b[%k : 16, %zero : 16] : memref<?x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
    %d = ag.dot %y, %y, %acc : tensor<16x16xf16>, tensor<16x16xf16>, tensor<16x16xf32>
    scf.yield %d : tensor<16x16xf32>
  }
  ag.store %sum, %c[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// The same in a view, and only if something else holds, which no iteration
// changes: else the first loop has none.
// CHECK-LABEL: ag.kernel @view
// CHECK:      %[[MID:.*]] = arith.select %arg3, %{{.*}}, %c0_i32 : i32
// CHECK:      %[[FIRST:.*]] = scf.for %{{.*}} = %c0_i32 to %[[MID]] step %c16_i32
// CHECK-NEXT:   ag.load {{.*}} {ag.inside = array<i64: 0>}
// CHECK:      scf.for %{{.*}} = %[[MID]] to %arg1 step %c16_i32 iter_args(%{{.*}} = %[[FIRST]])
ag.kernel @view(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %first: index, %go: i1 {ag.name = "go"}) {
  %rows = arith.index_cast %N : i32 to index
  %whole = memref.reinterpret_cast %p to offset: [0], sizes: [4, 1000, 16], strides: [16000, 16, 1] : memref<f32> to memref<4x1000x16xf32, strided<[16000, 16, 1]>>
  %t = memref.subview %whole[%first, 0, 0] [1, %rows, 16] [1, 1, 1] : memref<4x1000x16xf32, strided<[16000, 16, 1]>> to memref<?x16xf32, strided<[16, 1], offset: ?>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %wide = arith.extsi %N : i32 to i64
  %less = arith.constant -16 : i64
  %limit = arith.addi %wide, %less : i64
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %below = arith.cmpi sle, %n64, %limit : i64
    %full = arith.andi %below, %go : i1
    %next = scf.if %full -> (tensor<16x16xf32>) {
      %k = ag.load %t[%n : 16, %zero : 16] : memref<?x16xf32, strided<[16, 1], offset: ?>> -> tensor<16x16xf32>
      %sum = arith.addf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      %k = ag.load %t[%n : 16, %zero : 16] : memref<?x16xf32, strided<[16, 1], offset: ?>> -> tensor<16x16xf32>
      %sum = arith.subf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    }
    scf.yield %next : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<?x16xf32, strided<[16, 1], offset: ?>>
  ag.return
}

// -----

// A window: no iteration outside the stretch from its floor to its limit takes
// the branch; with `open`, there is no floor.
// CHECK-LABEL: ag.kernel @window
// CHECK:      %[[FLOOR:.*]] = arith.select %arg4, %c-4611686018427387904_i64, %{{.*}}
// CHECK:      %[[LIMIT:.*]] = arith.trunci {{.*}} : i64 to i32
// CHECK:      %[[BEGIN:.*]] = arith.trunci {{.*}} : i64 to i32
// CHECK:      %[[END:.*]] = arith.maxsi %[[BEGIN]], %[[LIMIT]] : i32
// CHECK:      %[[BEFORE:.*]] = scf.for %{{.*}} = %c0_i32 to %[[BEGIN]] step %c16_i32
// CHECK:        arith.subf
// CHECK:      %[[INSIDE:.*]] = scf.for %{{.*}} = %[[BEGIN]] to %[[END]] step %c16_i32 iter_args(%{{.*}} = %[[BEFORE]])
// CHECK:        arith.addf
// CHECK:      %[[BEHIND:.*]] = scf.for %{{.*}} = %[[END]] to %arg1 step %c16_i32 iter_args(%{{.*}} = %[[INSIDE]])
// CHECK:        arith.subf
// CHECK:      ag.store %[[BEHIND]]
ag.kernel @window(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %first: i32 {ag.name = "first"}, %last: i32 {ag.name = "last"}, %open: i1 {ag.name = "open"}) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %floor = arith.extsi %first : i32 to i64
  %limit = arith.extsi %last : i32 to i64
  %end = scf.for %n = %zero to %N step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %above = arith.cmpi sge, %n64, %floor : i64
    %reached = arith.ori %open, %above : i1
    %below = arith.cmpi sle, %n64, %limit : i64
    %full = arith.andi %reached, %below : i1
    %k = ag.load %t[%zero : 16, %zero : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
    %next = scf.if %full -> (tensor<16x16xf32>) {
      %sum = arith.addf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    } else {
      %sum = arith.subf %acc, %k : tensor<16x16xf32>
      scf.yield %sum : tensor<16x16xf32>
    }
    scf.yield %next : tensor<16x16xf32>
  }
  ag.store %end, %t[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// A loop up to the least of a size and something else, whose dot is in a branch:
// rows of its first part's tiles lie inside the tensor.
// CHECK-LABEL: ag.kernel @branch_to_a_minimum
// CHECK:      scf.for
// CHECK:        scf.if
// CHECK:          ag.load {{.*}} {ag.inside = array<i64: 1>}
// CHECK:      scf.for
// CHECK:        scf.if
// CHECK:          ag.load
// CHECK-NOT:        ag.inside
// CHECK:          ag.dot
ag.kernel @branch_to_a_minimum(%p: memref<f32> {ag.name = "p", ag.access = "in"}, %o: memref<f32> {ag.name = "o", ag.access = "out"}, %m: memref<i1> {ag.name = "m", ag.access = "in"}, %N: i32 {ag.extent}, %most: i32 {ag.name = "most"}) {
  %rows = arith.index_cast %N : i32 to index
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16, %rows], strides: [%rows, 1] : memref<f32> to memref<16x?xf32, strided<[?, 1]>>
  %u = memref.reinterpret_cast %o to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %w = memref.reinterpret_cast %m to offset: [0], sizes: [1], strides: [1] : memref<i1> to memref<1xi1, strided<[1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  %none = arith.constant dense<0.0> : tensor<16x16xf32>
  %open = ag.load %w[%zero] : memref<1xi1, strided<[1]>> -> i1
  %end = arith.minsi %N, %most : i32
  %sum = scf.for %n = %zero to %end step %size iter_args(%acc = %none) -> (tensor<16x16xf32>) : i32 {
    %next = scf.if %open -> (tensor<16x16xf32>) {
      %k = ag.load %t[%zero : 16, %n : 16] : memref<16x?xf32, strided<[?, 1]>> -> tensor<16x16xf32>
      %s = ag.dot %k, %k, %acc : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
      scf.yield %s : tensor<16x16xf32>
    } else {
      scf.yield %acc : tensor<16x16xf32>
    }
    scf.yield %next : tensor<16x16xf32>
  }
  ag.store %sum, %u[%zero : 16, %zero : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// Behind either of two floors: the lower one counts.
// CHECK-LABEL: ag.kernel @either
// CHECK-DAG:  %[[TWO:.*]] = arith.constant dense<2.0
// CHECK-DAG:  %[[ONE:.*]] = arith.constant dense<1.0
// CHECK:      %[[FLOOR:.*]] = arith.minsi %arg2, %arg3 : i64
// CHECK:      arith.addi %[[FLOOR]], %c15_i64
// CHECK:      %[[BEGIN:.*]] = arith.trunci
// CHECK:      scf.for %{{.*}} = %c0_i32 to %[[BEGIN]] step %c16_i32
// CHECK-NEXT:   ag.store %[[ONE]]
// CHECK:      scf.for %{{.*}} = %[[BEGIN]] to
// CHECK-NEXT:   ag.store %[[TWO]]
// CHECK-NOT:  scf.if
ag.kernel @either(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %a: i64, %b: i64) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32, strided<[1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  scf.for %n = %zero to %N step %size : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %first = arith.cmpi sge, %n64, %a : i64
    %second = arith.cmpi sge, %n64, %b : i64
    %full = arith.ori %first, %second : i1
    scf.if %full {
      %two = arith.constant dense<2.0> : tensor<16xf32>
      ag.store %two, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    } else {
      %one = arith.constant dense<1.0> : tensor<16xf32>
      ag.store %one, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    }
  }
  ag.return
}

// -----

// A floor or a limit is no stretch.
// CHECK-LABEL: ag.kernel @outside
// CHECK-COUNT-1: scf.for
// CHECK:         scf.if
// CHECK-NOT:     scf.for
ag.kernel @outside(%p: memref<f32> {ag.name = "p", ag.access = "inout"}, %N: i32 {ag.extent}, %a: i64, %b: i64) {
  %t = memref.reinterpret_cast %p to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32, strided<[1]>>
  %zero = arith.constant 0 : i32
  %size = arith.constant 16 : i32
  scf.for %n = %zero to %N step %size : i32 {
    %n64 = arith.extsi %n : i32 to i64
    %first = arith.cmpi sge, %n64, %a : i64
    %second = arith.cmpi sle, %n64, %b : i64
    %full = arith.ori %first, %second : i1
    scf.if %full {
      %two = arith.constant dense<2.0> : tensor<16xf32>
      ag.store %two, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    } else {
      %one = arith.constant dense<1.0> : tensor<16xf32>
      ag.store %one, %t[%zero : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
    }
  }
  ag.return
}
