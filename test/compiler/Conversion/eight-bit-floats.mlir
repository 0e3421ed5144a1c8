// 8-bit floats on GPUs: bytes in memory and in tiles, f16 as factors of a dot.
// RUN: ag-opt %s -ag-eight-bit-floats -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: ag.kernel @cast(%{{.*}}: memref<i8> {{.*}}, %{{.*}}: memref<f32>
// CHECK: ag.load {{.*}} -> tensor<32xi8>
// CHECK: arith.extui %{{.*}} : tensor<32xi8> to tensor<32xi32>
// CHECK: math.copysign
// CHECK-NOT: f8E4M3FN
ag.kernel @cast(%x: memref<f8E4M3FN> {ag.access = "in"}, %y: memref<f32> {ag.access = "out"}, %n: index) {
  %c0 = arith.constant 0 : i32
  %from = memref.reinterpret_cast %x to offset: [0], sizes: [%n], strides: [1] : memref<f8E4M3FN> to memref<?xf8E4M3FN, strided<[1]>>
  %to = memref.reinterpret_cast %y to offset: [0], sizes: [%n], strides: [1] : memref<f32> to memref<?xf32, strided<[1]>>
  %v = ag.load %from[%c0 : 32] : memref<?xf8E4M3FN, strided<[1]>> -> tensor<32xf8E4M3FN>
  %w = arith.extf %v : tensor<32xf8E4M3FN> to tensor<32xf32>
  ag.store %w, %to[%c0 : 32] : tensor<32xf32>, memref<?xf32, strided<[1]>>
  ag.return
}

// -----

// CHECK-LABEL: ag.kernel @product(
// CHECK: ag.dot %{{.*}}, %{{.*}}, %{{.*}} : tensor<32x32xf16>, tensor<32x32xf16>, tensor<32x32xf32>
// CHECK: arith.trunci %{{.*}} : tensor<32x32xi32> to tensor<32x32xi8>
// CHECK: ag.store %{{.*}} : tensor<32x32xi8>
ag.kernel @product(%x: memref<f8E5M2> {ag.access = "inout"}, %n: index) {
  %c0 = arith.constant 0 : i32
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %m = memref.reinterpret_cast %x to offset: [0], sizes: [%n, 32], strides: [32, 1] : memref<f8E5M2> to memref<?x32xf8E5M2, strided<[32, 1]>>
  %v = ag.load %m[%c0 : 32, %c0 : 32] : memref<?x32xf8E5M2, strided<[32, 1]>> -> tensor<32x32xf8E5M2>
  %p = ag.dot %v, %v, %zero : tensor<32x32xf8E5M2>, tensor<32x32xf8E5M2>, tensor<32x32xf32>
  %r = arith.truncf %p : tensor<32x32xf32> to tensor<32x32xf8E5M2>
  ag.store %r, %m[%c0 : 32, %c0 : 32] : tensor<32x32xf8E5M2>, memref<?x32xf8E5M2, strided<[32, 1]>>
  ag.return
}

// -----

ag.kernel @sum(%x: memref<f8E5M2> {ag.access = "in"}, %n: index) {
  %c0 = arith.constant 0 : i32
  %m = memref.reinterpret_cast %x to offset: [0], sizes: [%n], strides: [1] : memref<f8E5M2> to memref<?xf8E5M2, strided<[1]>>
  %v = ag.load %m[%c0 : 32] : memref<?xf8E5M2, strided<[1]>> -> tensor<32xf8E5M2>
  // expected-error @below {{8-bit floats only load, store, cast and dot}}
  %s = arith.addf %v, %v : tensor<32xf8E5M2>
  ag.return
}
