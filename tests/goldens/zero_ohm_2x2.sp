segments and ends of 0 ohm, written as 0 V sources (ngspice makes R=0 one milliohm)
v1 w00 0 0.7
v2 in2 0 0.45
rd2 in2 w10 20
vw0 w00 w01 0
rw1 w10 w11 1.5
rc00 w00 b00 1.1k
rc01 w01 b01 2.7k
rc10 w10 b10 6.8k
rc11 w11 b11 33k
vb0 b00 b10 0
rb1 b01 b11 2.5
vs0 b10 0 0
vs1 0 s1 0
rs1 b11 s1 12
.op
.end
