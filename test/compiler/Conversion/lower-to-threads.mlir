// RUN: ag-opt %s -split-input-file -ag-lower-to-threads -cse | FileCheck %s

// Rows that are summed lie in one warp each: shuffles do it. Elements of a row
// that a thread has share one address: the rest is a constant.
// CHECK-LABEL: llvm.func @row_sums
// CHECK-SAME:    ag.shared_bytes = 0
// CHECK-SAME:    nvvm.kernel
// CHECK-SAME:    nvvm.maxnreg = 255
// CHECK-SAME:    nvvm.reqntid = array<i32: 128>
// CHECK:         %[[NEXT:.*]] = llvm.getelementptr %[[ROW:.*]][32] : (!llvm.ptr<1>) -> !llvm.ptr<1>, f32
// CHECK:         ld.global.nc.b32 {{.*}} %[[ROW]] :
// CHECK:         ld.global.nc.b32 {{.*}} %[[NEXT]] :
// CHECK:         shfl.sync.bfly
// CHECK-NOT:     barrier
// CHECK:         st.global.b32
// CHECK:         llvm.return
ag.kernel @row_sums(
    %x_ptr: memref<f32> {ag.name = "x", ag.access = "in"}, %stride: index,
    %y_ptr: memref<f32> {ag.name = "y", ag.access = "out"}, %m: i32, %n: i32) {
  %rows = arith.index_cast %m : i32 to index
  %columns = arith.index_cast %n : i32 to index
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [%rows, %columns],
    strides: [%stride, 1] : memref<f32> to memref<?x?xf32, strided<[?, 1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [%rows],
    strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %c16 = arith.constant 16 : i32
  %c0 = arith.constant 0 : i32
  %programs = arith.ceildivsi %m, %c16 : i32
  %program = ag.program_id %programs : i32
  %first = arith.muli %program, %c16 : i32
  %tile = ag.load %x[%first : 16, %c0 : 64]
    : memref<?x?xf32, strided<[?, 1]>> -> tensor<16x64xf32>
  %sums = ag.reduce sum %tile axes [1] : tensor<16x64xf32> -> tensor<16xf32>
  ag.store %sums, %y[%first : 16] : tensor<16xf32>, memref<?xf32, strided<[1]>>
  ag.return
}

// -----

// Only column 63 counts: the lanes that hold it hand it to the others.
// CHECK-LABEL: llvm.func @last_column
// CHECK-NOT:     shfl.sync.bfly
// CHECK:         %[[LAST:.*]] = llvm.call_intrinsic "llvm.nvvm.shfl.sync.idx.i32"
// CHECK:         %[[FLOAT:.*]] = {{.*}}bitcast %[[LAST]] : i32 to f32
// CHECK:         arith.maxnumf %[[FLOAT]]
// CHECK-NOT:     shfl.sync.bfly
// CHECK:         llvm.return
ag.kernel @last_column(
    %x_ptr: memref<f32> {ag.name = "x", ag.access = "in"}, %stride: index,
    %y_ptr: memref<f32> {ag.name = "y", ag.access = "out"}, %m: i32) {
  %rows = arith.index_cast %m : i32 to index
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [%rows, 64],
    strides: [%stride, 1] : memref<f32> to memref<?x64xf32, strided<[?, 1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [%rows],
    strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %c16 = arith.constant 16 : i32
  %c0 = arith.constant 0 : i32
  %programs = arith.ceildivsi %m, %c16 : i32
  %program = ag.program_id %programs : i32
  %first = arith.muli %program, %c16 : i32
  %tile = ag.load %x[%first : 16, %c0 : 64]
    : memref<?x64xf32, strided<[?, 1]>> -> tensor<16x64xf32>
  %iota = ag.iota : tensor<64xi32>
  %columns = ag.broadcast %iota along [1] : tensor<64xi32> -> tensor<16x64xi32>
  %last = arith.constant dense<63> : tensor<16x64xi32>
  %is_last = arith.cmpi eq, %columns, %last : tensor<16x64xi32>
  %lowest = arith.constant dense<0xFF800000> : tensor<16x64xf32>
  %only = arith.select %is_last, %tile, %lowest : tensor<16x64xi1>, tensor<16x64xf32>
  %largest = ag.reduce max %only axes [1] : tensor<16x64xf32> -> tensor<16xf32>
  ag.store %largest, %y[%first : 16] : tensor<16xf32>, memref<?xf32, strided<[1]>>
  ag.return
}

// -----

// Two rows for four warps: shuffles sum what a warp holds, and what the two of a
// row hold meets in shared memory, behind one barrier.
// CHECK-LABEL: llvm.func @long_rows
// CHECK-SAME:    ag.shared_bytes = 128
// CHECK-SAME:    nvvm.kernel
// CHECK-SAME:    nvvm.maxnreg = 255
// CHECK-SAME:    nvvm.reqntid = array<i32: 128>
// CHECK:         ld.global.nc.b32
// CHECK:         shfl.sync.bfly
// CHECK-NOT:     barrier
// CHECK:         llvm.store {{.*}} f32, !llvm.ptr<3>
// CHECK:         barrier.cta.sync
// CHECK-NOT:     barrier
// CHECK:         llvm.load {{.*}} !llvm.ptr<3> -> f32
// CHECK:         st.global.b32
// CHECK:         llvm.return
ag.kernel @long_rows(
    %x_ptr: memref<f32> {ag.name = "x", ag.access = "in"}, %stride: index,
    %y_ptr: memref<f32> {ag.name = "y", ag.access = "out"}, %m: i32, %n: i32) {
  %rows = arith.index_cast %m : i32 to index
  %columns = arith.index_cast %n : i32 to index
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [%rows, %columns],
    strides: [%stride, 1] : memref<f32> to memref<?x?xf32, strided<[?, 1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [%rows],
    strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %c2 = arith.constant 2 : i32
  %c0 = arith.constant 0 : i32
  %programs = arith.ceildivsi %m, %c2 : i32
  %program = ag.program_id %programs : i32
  %first = arith.muli %program, %c2 : i32
  %tile = ag.load %x[%first : 2, %c0 : 256]
    : memref<?x?xf32, strided<[?, 1]>> -> tensor<2x256xf32>
  %sums = ag.reduce sum %tile axes [1] : tensor<2x256xf32> -> tensor<2xf32>
  ag.store %sums, %y[%first : 2] : tensor<2xf32>, memref<?xf32, strided<[1]>>
  ag.return
}

// -----

// Sixteen-bit factors go through the matrix unit, fed from shared memory.
// CHECK-LABEL: llvm.func @product
// CHECK:         barrier.cta.sync
// CHECK:         ldmatrix.sync.aligned.m8n8.x4.trans
// CHECK-COUNT-2: mma.m16n8k16.row.col.f32.f32
// CHECK-NOT:     mma
ag.kernel @product(
    %a_ptr: memref<f16> {ag.name = "a", ag.access = "in"},
    %b_ptr: memref<f16> {ag.name = "b", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f16> to memref<64x16xf16, strided<[16, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [16, 16],
    strides: [16, 1] : memref<f16> to memref<16x16xf16, strided<[16, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f32> to memref<64x16xf32, strided<[16, 1]>>
  %c0 = arith.constant 0 : i32
  %x = ag.load %a[%c0 : 64, %c0 : 16]
    : memref<64x16xf16, strided<[16, 1]>> -> tensor<64x16xf16>
  %y = ag.load %b[%c0 : 16, %c0 : 16]
    : memref<16x16xf16, strided<[16, 1]>> -> tensor<16x16xf16>
  %zero = arith.constant dense<0.0> : tensor<64x16xf32>
  %sum = ag.dot %x, %y, %zero
    : tensor<64x16xf16>, tensor<16x16xf16>, tensor<64x16xf32>
  ag.store %sum, %c[%c0 : 64, %c0 : 16]
    : tensor<64x16xf32>, memref<64x16xf32, strided<[16, 1]>>
  ag.return
}

// -----

// The factor that a loop loads goes straight to shared memory, an iteration
// ahead: one copy before the loop, in it a wait, a barrier, the next copy, and
// the matrix unit reads the other buffer.
// CHECK-LABEL: llvm.func @loads_ahead
// CHECK-SAME:    ag.shared_bytes = 4096
// CHECK:         cp.async.cg.shared.global.16
// CHECK:         cp.async.commit.group
// CHECK:         scf.for
// CHECK:           cp.async.wait.group
// CHECK-NEXT:      barrier.cta.sync
// CHECK:           scf.if
// CHECK:             cp.async.cg.shared.global.16
// CHECK:           cp.async.commit.group
// CHECK:           ldmatrix
// CHECK:           mma.m16n8k16
// CHECK-NOT:       barrier
// CHECK:           scf.yield
// Nothing made of the thread's number is held through the loop.
// CHECK:         mov.u32 $0, %tid.x;
// CHECK:         llvm.return
ag.kernel @loads_ahead(
    %a_ptr: memref<f16> {ag.name = "a", ag.access = "in", ag.regular},
    %b_ptr: memref<f16> {ag.name = "b", ag.access = "in", ag.regular},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"},
    %n: i32 {ag.extent}) {
  %rows = arith.index_cast %n : i32 to index
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 16],
    strides: [16, 1] : memref<f16> to memref<64x16xf16, strided<[16, 1]>>
  %b = memref.reinterpret_cast %b_ptr to offset: [0], sizes: [%rows, 64],
    strides: [64, 1] : memref<f16> to memref<?x64xf16, strided<[64, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 64],
    strides: [64, 1] : memref<f32> to memref<64x64xf32, strided<[64, 1]>>
  %c0 = arith.constant 0 : i32
  %c16 = arith.constant 16 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %x = ag.load %a[%c0 : 64, %c0 : 16]
    : memref<64x16xf16, strided<[16, 1]>> -> tensor<64x16xf16>
  %sum = scf.for %k = %c0 to %n step %c16 iter_args(%acc = %zero) -> (tensor<64x64xf32>) : i32 {
    %y = ag.load %b[%k : 16, %c0 : 64]
      : memref<?x64xf16, strided<[64, 1]>> -> tensor<16x64xf16>
    %next = ag.dot %x, %y, %acc
      : tensor<64x16xf16>, tensor<16x64xf16>, tensor<64x64xf32>
    scf.yield %next : tensor<64x64xf32>
  }
  ag.store %sum, %c[%c0 : 64, %c0 : 64]
    : tensor<64x64xf32>, memref<64x64xf32, strided<[64, 1]>>
  ag.return
}

// -----

// f32 factors that may lose digits: TF32 by the matrix unit, once or three
// times.
// CHECK-LABEL: llvm.func @tensor_floats
// CHECK-COUNT-2: f2tf32.rna
// CHECK:         mma.m16n8k8.row.col.tf32
// CHECK-NOT:     mma.m16n8k8
// CHECK-LABEL: llvm.func @three_tensor_floats
// CHECK-COUNT-3: mma.m16n8k8.row.col.tf32
// CHECK-NOT:     mma.m16n8k8
ag.kernel @tensor_floats(
    %a_ptr: memref<f32> {ag.name = "a", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<f32> to memref<64x8xf32, strided<[8, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<f32> to memref<64x8xf32, strided<[8, 1]>>
  %c0 = arith.constant 0 : i32
  %x = ag.load %a[%c0 : 64, %c0 : 8]
    : memref<64x8xf32, strided<[8, 1]>> -> tensor<64x8xf32>
  %y = ag.load %a[%c0 : 8, %c0 : 8]
    : memref<64x8xf32, strided<[8, 1]>> -> tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<64x8xf32>
  %sum = ag.dot %x, %y, %zero precision tf32
    : tensor<64x8xf32>, tensor<8x8xf32>, tensor<64x8xf32>
  ag.store %sum, %c[%c0 : 64, %c0 : 8]
    : tensor<64x8xf32>, memref<64x8xf32, strided<[8, 1]>>
  ag.return
}
ag.kernel @three_tensor_floats(
    %a_ptr: memref<f32> {ag.name = "a", ag.access = "in"},
    %c_ptr: memref<f32> {ag.name = "c", ag.access = "out"}) {
  %a = memref.reinterpret_cast %a_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<f32> to memref<64x8xf32, strided<[8, 1]>>
  %c = memref.reinterpret_cast %c_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<f32> to memref<64x8xf32, strided<[8, 1]>>
  %c0 = arith.constant 0 : i32
  %x = ag.load %a[%c0 : 64, %c0 : 8]
    : memref<64x8xf32, strided<[8, 1]>> -> tensor<64x8xf32>
  %y = ag.load %a[%c0 : 8, %c0 : 8]
    : memref<64x8xf32, strided<[8, 1]>> -> tensor<8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<64x8xf32>
  %sum = ag.dot %x, %y, %zero precision tf32x3
    : tensor<64x8xf32>, tensor<8x8xf32>, tensor<64x8xf32>
  ag.store %sum, %c[%c0 : 64, %c0 : 8]
    : tensor<64x8xf32>, memref<64x8xf32, strided<[8, 1]>>
  ag.return
}

// -----

// Bytes: 32 of k a product. The second factor is transposed as it is stored.
// CHECK-LABEL: llvm.func @bytes
// CHECK:         llvm.call_intrinsic "llvm.nvvm.ldmatrix.sync.aligned.m8n8.x4.b16.p3"
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.nvvm.mma.m16n8k32.row.col.s8"
// CHECK-NOT:     mma
// CHECK:         llvm.return
ag.kernel @bytes(
    %x_ptr: memref<i8> {ag.name = "x", ag.access = "in"},
    %y_ptr: memref<i8> {ag.name = "y", ag.access = "in"},
    %o_ptr: memref<i32> {ag.name = "o", ag.access = "out"}) {
  %x = memref.reinterpret_cast %x_ptr to offset: [0], sizes: [64, 64],
    strides: [64, 1] : memref<i8> to memref<64x64xi8, strided<[64, 1]>>
  %y = memref.reinterpret_cast %y_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<i8> to memref<64x8xi8, strided<[8, 1]>>
  %o = memref.reinterpret_cast %o_ptr to offset: [0], sizes: [64, 8],
    strides: [8, 1] : memref<i32> to memref<64x8xi32, strided<[8, 1]>>
  %c0 = arith.constant 0 : i32
  %a = ag.load %x[%c0 : 64, %c0 : 64] : memref<64x64xi8, strided<[64, 1]>> -> tensor<64x64xi8>
  %b = ag.load %y[%c0 : 64, %c0 : 8] : memref<64x8xi8, strided<[8, 1]>> -> tensor<64x8xi8>
  %zero = arith.constant dense<0> : tensor<64x8xi32>
  %r = ag.dot %a, %b, %zero : tensor<64x64xi8>, tensor<64x8xi8>, tensor<64x8xi32>
  ag.store %r, %o[%c0 : 64, %c0 : 8] : tensor<64x8xi32>, memref<64x8xi32, strided<[8, 1]>>
  ag.return
}
