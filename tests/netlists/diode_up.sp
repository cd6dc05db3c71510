* Diode from breakdown to forward
v1 a 0 0
r1 a b 10
d1 b 0 dm
d2 b 0 dk
.model dm d(is=1e-14 n=1.2 rs=5 bv=12 ibv=1m)
.model dk d(is=1e-9 ikf=1e-4 ikr=1e-12)
.dc v1 -15 2 0.5
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
