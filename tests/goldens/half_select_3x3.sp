write of cell (1, 1) with V/2 on every unselected line, word lines driven from both ends
.param vw=1.8 half={vw/2}
vl0 l0 0 {half}
vl1 l1 0 {vw}
vl2 l2 0 {half}
vr0 k0 0 {half}
vr1 k1 0 {vw}
vr2 k2 0 {half}
vb0 d0 0 {half}
vb1 d1 0 0
vb2 d2 0 {half}
rl0 l0 w00 5
rl1 l1 w10 6
rl2 l2 w20 7
rr0 w02 k0 8
rr1 w12 k1 9
rr2 w22 k2 10
rb0 b20 d0 2
rb1 b21 d1 3
rb2 b22 d2 4
rw00 w00 w01 1.5
rw01 w01 w02 1.2
rw10 w10 w11 1.4
rw11 w11 w12 1.1
rw20 w20 w21 1.3
rw21 w21 w22 1.6
rb00 b00 b10 2.5
rb01 b01 b11 2.2
rb02 b02 b12 2.4
rb10 b10 b20 2.1
rb11 b11 b21 2.3
rb12 b12 b22 2.6
rc00 w00 b00 10k
rc01 w01 b01 25k
rc02 w02 b02 40k
rc10 w10 b10 15k
rc11 w11 b11 2k
rc12 w12 b12 30k
rc20 w20 b20 50k
rc21 w21 b21 8k
rc22 w22 b22 12k
.op
.end
