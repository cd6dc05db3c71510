3 x 4 crossbar, every value different
* word lines w<row><col>, bit lines b<row><col>; drivers on the left, sense resistors and ammeters at the bottom
V1 in1 0 0.31
V2 in2 0 -0.17
V3 in3 0 0.52
Rd1 in1 w11 11
Rd2 in2 w21 17
Rd3 in3 w31 23
Rw11 w11 w12 1.1
Rw12 w12 w13 1.7
Rw13 w13 w14 0.6
Rw21 w21 w22 2.3
Rw22 w22 w23 0.9
Rw23 w23 w24 3.1
Rw31 w31 w32 0.4
Rw32 w32 w33 2.9
Rw33 w33 w34 1.3
Rc11 w11 b11 1.2k
Rc12 w12 b12 47k
Rc13 w13 b13 3.3k
Rc14 w14 b14 820k
Rc21 w21 b21 5.6k
Rc22 w22 b22 1.5k
Rc23 w23 b23 270k
Rc24 w24 b24 9.1k
Rc31 w31 b31 680k
Rc32 w32 b32 2.2k
Rc33 w33 b33 39k
Rc34 w34 b34 1k
Rb11 b11 b21 0.7
Rb12 b12 b22 1.9
Rb13 b13 b23 2.6
Rb14 b14 b24 0.5
Rb21 b21 b31 3.7
Rb22 b22 b32 0.8
Rb23 b23 b33 1.4
Rb24 b24 b34 2.1
Rs1 b31 s1 7
Rs2 b32 s2 13
Rs3 b33 s3 19
Rs4 b34 s4 29
Vs1 s1 0 0
Vs2 s2 0 0
Vs3 s3 0 0
Vs4 s4 0 0
.op
.end
