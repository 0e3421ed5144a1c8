// RUN: ag-opt %s -split-input-file -verify-diagnostics -ag-lower-to-vector -cse | FileCheck %s

// An elementwise kernel is one loop over vectors: nothing is stored but the
// result. Inside the tensor no lane is masked; at its end the same loop is.
// CHECK-LABEL: func.func private @elementwise_fused.program
// CHECK:         scf.if
// CHECK:           %[[X:.*]] = llvm.load {{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK:           %[[Y:.*]] = arith.mulf %[[X]], %[[X]] : vector<16xf32>
// CHECK:           %[[Z:.*]] = arith.addf %[[Y]], {{.*}} : vector<16xf32>
// CHECK:           llvm.store %[[Z]], {{.*}} : vector<16xf32>, !llvm.ptr
// CHECK:         } else {
// CHECK:           llvm.intr.masked.load
// CHECK:           llvm.intr.masked.store
// CHECK-LABEL: func.func @elementwise_fused(
// CHECK-SAME:    ag.scratch_bytes = 0
ag.kernel @elementwise_fused(
    %x_ptr: memref<f32> {ag.name = "x", ag.access = "in"},
    %y_ptr: memref<f32> {ag.name = "y", ag.access = "out"}, %n: i32) {
  %c64 = arith.constant 64 : i32
  %c63 = arith.constant 63 : i32
  %size = arith.index_cast %n : i32 to index
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [%size], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [%size], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %up = arith.addi %n, %c63 : i32
  %blocks = arith.divsi %up, %c64 : i32
  %block = ag.program_id %blocks : i32
  %i = arith.muli %block, %c64 : i32
  %one = arith.constant dense<1.0> : tensor<64xf32>
  %a = ag.load %x[%i : 64] : memref<?xf32, strided<[1]>> -> tensor<64xf32>
  %b = arith.mulf %a, %a : tensor<64xf32>
  %c = arith.addf %b, %one : tensor<64xf32>
  ag.store %c, %y[%i : 64] : tensor<64xf32>, memref<?xf32, strided<[1]>>
  ag.return
}

// -----

// Without a dot the lanes lie along memory; a sum over them is partial sums,
// combined once after the loop.
// CHECK-LABEL: func.func private @sum_over_lanes.program
// CHECK:         scf.for {{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4:   arith.addf {{.*}} : vector<16xf32>
// CHECK:           scf.yield
// CHECK:         vector.shuffle
// CHECK:         vector.extract {{.*}} : f32 from vector<1xf32>
ag.kernel @sum_over_lanes(
    %x_ptr: memref<f32> {ag.name = "x", ag.access = "in"},
    %y_ptr: memref<f32> {ag.name = "y", ag.access = "out"}) {
  %c0 = arith.constant 0 : i32
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [4, 256], strides: [256, 1] : memref<f32> to memref<4x256xf32, strided<[256, 1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [4], strides: [1] : memref<f32> to memref<4xf32, strided<[1]>>
  %a = ag.load %x[%c0 : 4, %c0 : 256] : memref<4x256xf32, strided<[256, 1]>> -> tensor<4x256xf32>
  %s = ag.reduce sum %a axes [1] : tensor<4x256xf32> -> tensor<4xf32>
  ag.store %s, %y[%c0 : 4] : tensor<4xf32>, memref<4xf32, strided<[1]>>
  ag.return
}

// -----

// A matrix product keeps 4 vectors x 4 rows in registers over the contraction;
// both sides are read where they lie, and only the result is stored.
// CHECK-LABEL: func.func private @dot_register_tile.program
// CHECK:         scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK-COUNT-4:   llvm.load {{.*}} : !llvm.ptr -> vector<16xf32>
// CHECK:           llvm.load {{.*}} : !llvm.ptr -> f32
// CHECK:           vector.broadcast
// CHECK-COUNT-16:  math.fma
// CHECK-NOT:       math.fma
// CHECK:           scf.yield
ag.kernel @dot_register_tile(
    %a_ptr: memref<f32> {ag.name = "a", ag.access = "in"},
    %b_ptr: memref<f32> {ag.name = "b", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %c0 = arith.constant 0 : i32
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 32], strides: [32, 1] : memref<f32> to memref<64x32xf32, strided<[32, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [32, 64], strides: [64, 1] : memref<f32> to memref<32x64xf32, strided<[64, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 64], strides: [64, 1] : memref<f32> to memref<64x64xf32, strided<[64, 1]>>
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = ag.load %a[%c0 : 64, %c0 : 32] : memref<64x32xf32, strided<[32, 1]>> -> tensor<64x32xf32>
  %y = ag.load %b[%c0 : 32, %c0 : 64] : memref<32x64xf32, strided<[64, 1]>> -> tensor<32x64xf32>
  %s = ag.dot %x, %y, %zero : tensor<64x32xf32>, tensor<32x64xf32>, tensor<64x64xf32>
  ag.store %s, %c[%c0 : 64, %c0 : 64] : tensor<64x64xf32>, memref<64x64xf32, strided<[64, 1]>>
  ag.return
}

// -----

// A head of 20 in a tile of 32: the contraction stops at 20.
// CHECK-LABEL: func.func private @padding_not_contracted.program
// CHECK-DAG:     %[[DEPTH:.*]] = arith.constant 20 : index
// CHECK:         scf.for {{.*}} to %[[DEPTH]] {{.*}}vector<16xf32>
// CHECK:           math.fma
ag.kernel @padding_not_contracted(
    %a_ptr: memref<f32> {ag.name = "a", ag.access = "in"},
    %b_ptr: memref<f32> {ag.name = "b", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %c0 = arith.constant 0 : i32
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [16, 20], strides: [20, 1] : memref<f32> to memref<16x20xf32, strided<[20, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [20, 16], strides: [16, 1] : memref<f32> to memref<20x16xf32, strided<[16, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %x = ag.load %a[%c0 : 16, %c0 : 32] : memref<16x20xf32, strided<[20, 1]>> -> tensor<16x32xf32>
  %y = ag.load %b[%c0 : 32, %c0 : 16] : memref<20x16xf32, strided<[16, 1]>> -> tensor<32x16xf32>
  %s = ag.dot %x, %y, %zero : tensor<16x32xf32>, tensor<32x16xf32>, tensor<16x16xf32>
  ag.store %s, %c[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// Products that `keep` leaves out are not added, whatever the operand holds.
// CHECK-LABEL: func.func private @dot_keep_selects.program
// CHECK:         %[[SUM:.*]] = math.fma {{.*}}, %[[ACC:.*]] : vector<16xf32>
// CHECK:         arith.select {{.*}}, %[[SUM]], %[[ACC]]
ag.kernel @dot_keep_selects(
    %a_ptr: memref<f32> {ag.name = "a", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}, %n: i32) {
  %c0 = arith.constant 0 : i32
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [16, 16], strides: [16, 1] : memref<f32> to memref<16x16xf32, strided<[16, 1]>>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %i = ag.iota : tensor<16xi32>
  %limit = tensor.splat %n : tensor<16xi32>
  %m = arith.cmpi slt, %i, %limit : tensor<16xi32>
  %keep = ag.broadcast %m along [1] : tensor<16xi1> -> tensor<16x16xi1>
  %x = ag.load %a[%c0 : 16, %c0 : 16] : memref<16x16xf32, strided<[16, 1]>> -> tensor<16x16xf32>
  %s = ag.dot %x, %x, %zero keep %keep : tensor<16x16xf32>, tensor<16x16xf32>, tensor<16x16xf32>
  ag.store %s, %c[%c0 : 16, %c0 : 16] : tensor<16x16xf32>, memref<16x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// 8-bit floats are bytes in memory and f32 in registers.
// CHECK-LABEL: func.func private @small_floats_widen.program
// CHECK:         %[[RAW:.*]] = llvm.load {{.*}} -> vector<16xi8>
// CHECK:         arith.bitcast {{.*}} : vector<16xi16> to vector<16xf16>
// CHECK:         %[[WIDE:.*]] = arith.extf {{.*}} : vector<16xf16> to vector<16xf32>
// CHECK:         llvm.store %[[WIDE]]
ag.kernel @small_floats_widen(
    %a_ptr: memref<f8E5M2> {ag.name = "a", ag.access = "in"},
    %b_ptr: memref<f32> {ag.name = "b", ag.access = "out"}) {
  %c0 = arith.constant 0 : i32
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [16], strides: [1] : memref<f8E5M2> to memref<16xf8E5M2, strided<[1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [16], strides: [1] : memref<f32> to memref<16xf32, strided<[1]>>
  %x = ag.load %a[%c0 : 16] : memref<16xf8E5M2, strided<[1]>> -> tensor<16xf8E5M2>
  %y = arith.extf %x : tensor<16xf8E5M2> to tensor<16xf32>
  ag.store %y, %b[%c0 : 16] : tensor<16xf32>, memref<16xf32, strided<[1]>>
  ag.return
}
// -----

// No front end makes such a constant, but a text may have one.
ag.kernel @no_constant_of_several_values(
    %b_ptr: memref<f32> {ag.name = "b", ag.access = "out"}) {
  %c0 = arith.constant 0 : i32
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [2], strides: [1] : memref<f32> to memref<2xf32, strided<[1]>>
  // expected-error @below {{the elements of a constant tile must be equal: compute others from ag.iota}}
  %x = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  ag.store %x, %b[%c0 : 2] : tensor<2xf32>, memref<2xf32, strided<[1]>>
  ag.return
}
