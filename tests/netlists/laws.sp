* B, E, F, G and H with laws in their spellings
.param k=2 small={1m}
.func f(x) {x*k+1}
v1 a 0 0.7
r0 a c 100
b1 b1 0 v={v(a)*k}
r1 b1 0 1k
b2 b2 c v=v(a)*{k}
r2 b2 0 1k
b3 b3 0 v = f(v(c))
r3 b3 0 1k
b4 c b4 i=small*v(c,b4)^3 tc1=0.01 m=2
r4 b4 0 1k
e5 b5 0 vol='v(a)^2-exp(-v(c))'
r5 b5 0 1k
e6 b6 0 value={max(v(a),0.2)+i(v1)*k}
r6 b6 0 1k
g7 c b7 cur='tanh(k*(v(c)-v(b7)))*small' m=3
r7 b7 0 1k
g8 b8 0 poly(2) a 0 b8 0 0 1m 2m 0.1m 0.2m 1m
r8 b8 0 1k
h9 b9 0 poly(1) v1 1 2 3
r9 b9 0 1k
f10 b10 0 poly(1) v1 0 1m 1m
r10 b10 0 1k
e11 b11 0 table {v(a)} = (0,0) (0.5,5) (1,6)
r11 b11 0 1k
b12 b12 0 v=v(c)>0.3 && v(a)<1 ? pwl(v(c),0,0,1,2,2,3) : -1
r12 b12 0 1k
b13 b13 0 v=temper*v(c)+time
r13 b13 0 1k
b14 b14 0 v=pow(v(a)-1,3)+pwr(v(a)-1,3)+(v(a)-1)**2-(v(a)+1)^2^0.5
r14 b14 0 1k
b15 b15 0 v=u(v(a))+uramp(v(c)-1)+sgn(-v(a))+abs(v(c))+nint(v(a))+floor(-v(a))+u2(v(a))
r15 b15 0 1k
x1 a x s
.subckt s p n
vm p q 0
r1 q n 1k
b1 n 0 i=i(vm)*0.5+v(q,n)*small
.ends
r16 x 0 1k
.temp 33
.op
.options reltol=1e-10 abstol=1e-16 vntol=1e-12 gmin=1e-12 itl1=500 itl2=500
.end
