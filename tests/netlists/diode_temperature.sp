* Temperatures of circuit, elements and models
v1 a 0 1
r1 a b 1k
d1 b 0 dm
r2 a c 1k
d2 c 0 dm temp=60
r3 a d 1k
d3 d 0 dm dtemp=-10
r4 a e 1k
d4 e 0 dz
v5 f 0 -7
r5 f g 1k
d5 g 0 dv
.model dm d(is=1e-14 eg=0.7 xti=2 n=1.3 rs=100 trs1=1e-3 trs2=1e-5)
.model dz d(is=1e-12 tnom=50)
.model dv d(is=1e-12 bv=5 ibv=1m nbv=2 tcv=1e-3)
.options temp=40 tnom=30
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
