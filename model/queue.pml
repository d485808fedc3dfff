/* The protocol of docs/protocol.md. Tags like [enq.cell] name its steps; README.md maps them to the document.

   A process may be killed between any two steps (budget KILLS, victims DIERS). The model terminates: every wait blocks,
   so a run ends in a state where nobody can move, and the process Monitor looks there for anything left undone. With
   -DNP-cycle search (configurations "cycles") it is shown that there is no endless run, so "undone at the end" covers
   "waits for ever" under every schedule, fair or not.

   Steps that are one atomic here and several instructions in the code: reading tail (head) together with its cell, as a
   stale tail or head can only lead to a retry (cells carry their lap); -DSPLIT separates them again. Record and publish, as
   nobody else looks at a block that is being filled; -DTAKE, where somebody may, separates those. */

#ifndef NP
#define NP 1            /* producers: ids 0.. */
#endif
#ifndef NCN
#define NCN 2           /* consumers: ids NP.. */
#endif
#ifndef NR
#define NR 1            /* recoverers (participants that only watch): ids NP+NCN.. */
#endif
#ifndef NJ
#define NJ 0            /* 1: one more consumer joins at the index JIDX when its participant is dead and recovered */
#endif
#ifndef MSGS
#define MSGS 2          /* messages of each producer */
#endif
#ifndef NB
#define NB 2            /* blocks of each producer, 1..3 */
#endif
#ifndef N
#define N 4             /* cells */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef DIERS
#define DIERS 255       /* bit mask: who may be killed */
#endif
#ifndef ATT
#define ATT 0           /* bit mask: which messages (producer * MSGS + k) are attached, the others are inline */
#endif
#ifndef WDS
#define WDS 0           /* withdrawals */
#endif
#ifndef ABANDONS
#define ABANDONS 0
#endif
#ifndef LIMIT
#define LIMIT 9         /* attempts before a message goes to the dead letters */
#endif
#ifndef REFUSALS
#define REFUSALS 0      /* pulls that are refused: move to the arena */
#endif
#ifndef GIVEUPS
#define GIVEUPS 0       /* receivers whose wait is cancelled or times out */
#endif
#ifndef CQ0
#define CQ0 9           /* messages that the first consumer takes before it stops receiving (and lives on) */
#endif
#ifndef CQ1
#define CQ1 9
#endif
/* BATCH: two messages may be sent, or received, at once: tail, or head, follows once. (ATT, WDS, ABANDONS are 0 then.)
   TAKE: a receiver may copy a short message while it is queued, and then claim and complete it in one step. (LIMIT is 9, there is no BATCH then.)
   DEFER: after such a take the reference may stay until the receiver comes again, if nobody sleeps (with TAKE).
   FOLLOW: a receiver may let the head be behind what it has taken out, and look for the next one where it knows that it is; the head follows with the next one, or when it finds nothing there. (There is no BATCH then.)
   RUNG: who has been rung since its last look began is not rung again (with SLEEP, SLEEPSP; NJ is 0 then). */
#if defined(BATCH) || defined(FOLLOW)
#define LAG 2           /* how far the tail may be behind what was put in, and the head behind what was taken out */
#else
#define LAG 1
#endif

#define NBLK (NP*NB)
#define NM (NP*MSGS)
#define C0 NP
#define R0 (NP+NCN)
#define JID (NP+NCN+NR)
#define NA (NP+NCN+NR+NJ)
#define NOBODY 15
#if NJ>0
#ifndef JIDX
#define JIDX C0
#endif
#define IX(a) ((a)==JID -> JIDX : (a))
#else
#define IX(a) (a)
#endif

#define FREE 0
#define FILL 1
#define QUEUED 2
#define LEASED 3
#define DONE 4

/* the ring */
byte clap[N]; byte cref[N]; byte cgen[N];
byte head, tail;
byte entid[NA];          /* by index: id + 1, 0 = free */
bool entdead[NA];
bool rxbit[NA];          /* by index: sleeps for receive */
bool spbit[NA];          /* by index: sleeps for space */
/* the participants' files */
byte ph[NBLK]; byte act[NBLK]; byte gen[NBLK]; byte att[NBLK]; byte msg[NBLK];
byte mreq[NBLK]; byte moved[NBLK]; byte arena[NBLK];
byte lock[NA];           /* by id: who holds the lock of its file */
bool unl[NA];            /* by id: its file is unlinked */
/* doorbells, by id: rung = the word differs from the value that its owner read; zz = in FUTEX_WAIT */
bool rxr[NA], rxz[NA], spr[NA], spz[NA], owr[NA], owz[NA], owflag[NA];
/* private memory */
#ifdef RUNG             /* by waker and sleeper. 1: the looks were read before a ring; 2: it was rung, and has begun no look since; 0: else */
#ifdef SLEEP
byte knr[(NP+NCN)*NCN];
#endif
#ifdef SLEEPSP
byte kns[(NP+NCN)*NP];
#endif
#endif
#define KNR(w,s) knr[(w)*NCN+(s)-NP]
#define KNS(w,s) kns[(w)*NP+(s)]
byte mem[NBLK];          /* the sender's bytes of an attached message */
/* truth, for the properties */
bool dead[NA];
byte kills, wd, giveups, abandons=ABANDONS, refusals=REFUSALS;
byte completed[NM], dlq[NM], deliv[NM]; bool sent[NM], wdn[NM], lost[NM];
bool pfin[NP]; bool left[NA];
#ifdef ORDER
byte last[NP];
#endif

#define OWNER(b) ((b)/NB)
#define ISATT(m) ((ATT>>(m))&1)
#define BF(b) (ph[b]==FREE || ph[b]==DONE)
#if NB==1
#define ALLFREE(x) ((x)>=NP || BF(x))
#endif
#if NB==2
#define ALLFREE(x) ((x)>=NP || (BF((x)*2) && BF((x)*2+1)))
#endif
#if NB==3
#define ALLFREE(x) ((x)>=NP || (BF((x)*3) && BF((x)*3+1) && BF((x)*3+2)))
#endif
#define CELLREF(p) (clap[(p)%N]==(p)/N && cref[(p)%N]!=0)
#define CELLEMPTY(p) (clap[(p)%N]==(p)/N && cref[(p)%N]==0)
#define CELLNEXT(p) (clap[(p)%N]>(p)/N)
#define CELLBEFORE(p) (clap[(p)%N]<(p)/N)
#ifdef F_REF_NO_GEN
#define FRESH(b,g) (ph[b]==QUEUED)
#else
#define FRESH(b,g) (ph[b]==QUEUED && gen[b]==(g))
#endif
#define HEADSTALE (CELLREF(head) && !FRESH(cref[head%N]-1, cgen[head%N]))
#define ROOM (!CELLBEFORE(tail) || CELLNEXT(head) || HEADSTALE)
#define DROP(x,a) lock[x]=(lock[x]==(a) -> NOBODY : lock[x])

inline die(a) {
  kills--; dead[a]=true;
  DROP(0,a); DROP(1,a);
#if NA>2
  DROP(2,a);
#endif
#if NA>3
  DROP(3,a);
#endif
#if NA>4
  DROP(4,a);
#endif
#if NA>5
  DROP(5,a);
#endif
#if defined(RUNG) && defined(SLEEP)
  if :: a<NP+NCN -> KNR(a,C0)=0; KNR(a,C0+NCN-1)=0 :: else fi;
#endif
#if defined(RUNG) && defined(SLEEPSP)
  if :: a<NP+NCN -> KNS(a,0)=0; KNS(a,NP-1)=0 :: else fi;
#endif
  rxr[a]=0; rxz[a]=0; spr[a]=0; spz[a]=0; owr[a]=0; owz[a]=0; owflag[a]=0
}
#define CANDIE (kills>0 && ((DIERS>>me)&1))
/* Killed here: what the process held in its own memory is gone. */
#define OPT_DIE :: atomic{ CANDIE -> die(me); goto dying }

/* [send.take] */
#define TAKE m=me*MSGS+k; ph[b]=FILL; act[b]=me; gen[b]=gen[b]+1; att[b]=0; arena[b]=0; g=gen[b]
/* Remove the reference and help head along; whoever waits for room is told. */
#ifdef FOLLOW
#define BEHIND head<=h && h<head+LAG
#define KEEP nx=h+1
#define DROPNEXT ; nx=0
#define LATER(quiet) :: atomic{ nx>0 && head==h && quiet -> h=0 }                          /* it follows later */
#define EXACT nx==0 &&
#define WAKESP if :: nx==0 -> wake_sp() :: else fi
#else
#define BEHIND head==h
#define KEEP skip
#define DROPNEXT
#define LATER(quiet)
#define EXACT
#define WAKESP wake_sp()
#endif
#define UNLINK(quiet) \
  if :: atomic{ assert(h<head+LAG); if :: CELLREF(h) -> clap[h%N]=clap[h%N]+1; cref[h%N]=0; cgen[h%N]=0; KEEP :: else fi } OPT_DIE fi; /* [recv.pop] */ \
  if :: atomic{ head=(BEHIND -> h+1 : head); h=0 DROPNEXT } LATER(quiet) OPT_DIE fi; /* [recv.advance] */
#ifdef F_FOLLOW_SILENT
#define POP UNLINK(true) WAKESP
#else
#define POP UNLINK(!ANYSP && !ANYRX) WAKESP
#endif
#define ANYSP (spbit[0] || spbit[NP-1])
#define ANYRX (rxbit[C0] || rxbit[C0+NCN-1])
#define OWNERDEAD(o) (!(entid[o]==o+1) || entdead[o])

/* Ring wa-1, or the other one of its kind, unless this waker has rung it since it last began to look. Private memory is written with the step before. */
#ifdef F_LOOKS_LATE
#define REMEMBER(kn) kn=2
#else
#define REMEMBER(kn) kn=(kn==1 -> 2 : kn)
#endif
#define OTHER(first,count) (2*(first)+(count)-wa)
#define RING_RUNG(KN,bit,r,z,first,count) \
  do \
  :: wa>0 -> \
     if                                                                                    /* [wake.bitmap] */ \
     :: atomic{ KN(me,wa-1)!=2 -> KN(me,wa-1)=1 }; \
        if :: atomic{ r[wa-1]=true } OPT_DIE fi;                                           /* [wake.bell] */ \
        if :: atomic{ z[wa-1]=false; REMEMBER(KN(me,wa-1)); wa=0; wt=0 } OPT_DIE fi;       /* [wake.futex] */ \
        break \
     :: atomic{ KN(me,wa-1)==2 && wt==0 && count>1 && bit[OTHER(first,count)] -> wt=1; wa=OTHER(first,count)+1 } \
     :: atomic{ KN(me,wa-1)==2 -> wt=0; wa=0 }; break      /* also where there is another: enough are on their way */ \
     OPT_DIE \
     fi \
  :: else -> break \
  od;
/* Part of [sleep.look]: counts it, for all wakers. */
#ifdef RUNG
#define COUNT_RX if :: atomic{ n=0; do :: n<NP+NCN -> KNR(n,me)=0; n++ :: else -> break od; n=0 } OPT_DIE fi
#define COUNT_SP if :: atomic{ n=0; do :: n<NP+NCN -> KNS(n,me)=0; n++ :: else -> break od; n=0 } OPT_DIE fi
#else
#define COUNT_RX skip
#define COUNT_SP skip
#endif

/* Wake one that sleeps for receive. [wake.bitmap] [wake.bell] [wake.futex] */
inline wake_rx() {
#ifdef SLEEP
  if
  :: atomic{ rxbit[C0] -> wa=entid[C0] }
#if NCN>1
  :: atomic{ rxbit[C0+1] -> wa=entid[C0+1] }
#endif
#if NCN>1
  :: atomic{ !rxbit[C0] && !rxbit[C0+1] -> wa=0 }
#else
  :: atomic{ !rxbit[C0] -> wa=0 }
#endif
  OPT_DIE
  fi;
#ifdef RUNG
  RING_RUNG(KNR, rxbit, rxr, rxz, C0, NCN)
#else
  if
  :: wa>0 ->
     if :: atomic{ rxr[wa-1]=true } OPT_DIE fi;
     if :: atomic{ rxz[wa-1]=false; wa=0 } OPT_DIE fi
  :: else
  fi
#endif
#endif
  skip
}
/* Wake one that sleeps for space. */
inline wake_sp() {
#ifdef SLEEPSP
  if
  :: atomic{ spbit[0] -> wa=1 }
#if NP>1
  :: atomic{ spbit[1] -> wa=2 }
  :: atomic{ !spbit[0] && !spbit[1] -> wa=0 }
#else
  :: atomic{ !spbit[0] -> wa=0 }
#endif
  OPT_DIE
  fi;
#ifdef RUNG
  RING_RUNG(KNS, spbit, spr, spz, 0, NP)
#else
  if
  :: wa>0 ->
     if :: atomic{ spr[wa-1]=true } OPT_DIE fi;
     if :: atomic{ spz[wa-1]=false; wa=0 } OPT_DIE fi
  :: else
  fi
#endif
#endif
  skip
}
/* Ring the doorbell "own" of a participant if it waits. */
inline ring_own(a) {
#ifdef SLEEPOWN
  if
  :: atomic{ owflag[a] -> skip };
     if :: atomic{ owr[a]=true } OPT_DIE fi;
     if :: atomic{ owz[a]=false } OPT_DIE fi
  :: atomic{ !owflag[a] -> skip }
  OPT_DIE
  fi
#endif
  skip
}

/* Enqueue the reference (eb, eg); full = the ring is full. */
#ifdef SPLIT
#define TL t
#else
#define TL tail
#endif
inline enqueue(eb, eg) {
  isfull=false;
  do
  ::
#ifdef SPLIT
     if :: atomic{ t=tail } OPT_DIE fi;                                                    /* [enq.tail] */
#endif
     if
     :: atomic{ CELLEMPTY(TL) -> t=TL; assert(t<tail+LAG); cref[t%N]=eb+1; cgen[t%N]=eg };                     /* [enq.cell] */
        if :: atomic{ tail=(tail==t -> t+1 : tail); t=0 } OPT_DIE fi;                      /* [enq.advance] */
        break
     :: atomic{ CELLREF(TL) || CELLNEXT(TL) -> tail=(tail==TL -> TL+1 : tail); t=0 }       /* [enq.help] */
     :: atomic{ CELLBEFORE(TL) && CELLNEXT(head) -> assert(tail==TL); head=head+1; t=0 }   /* [recv.help] */
     :: atomic{ CELLBEFORE(TL) && CELLREF(head) && !HEADSTALE -> isfull=true; t=0 }; break   /* [full.head] */
     :: atomic{ CELLBEFORE(TL) && HEADSTALE -> eh=head; t=0 };                             /* [full.head] */
        if :: atomic{ if :: CELLREF(eh) -> clap[eh%N]=clap[eh%N]+1; cref[eh%N]=0; cgen[eh%N]=0 :: else fi } /* [full.remove] */
           OPT_DIE fi;
        if :: atomic{ head=(head==eh -> eh+1 : head); eh=0 } OPT_DIE fi                    /* [full.advance] */
     OPT_DIE
     fi
  od
}

/* Retire x if it is dead, recovered, and all its blocks are free. */
inline retire(x) {
  if
  :: atomic{ entid[IX(x)]==x+1 && entdead[IX(x)] && ALLFREE(x) -> unl[x]=true };           /* [retire.check] [retire.unlink] */
     if :: atomic{ if :: entid[IX(x)]==x+1 -> entid[IX(x)]=0; entdead[IX(x)]=false :: else fi } OPT_DIE fi /* [retire.entry] */
  :: atomic{ !(entid[IX(x)]==x+1 && entdead[IX(x)] && ALLFREE(x)) -> skip }
  OPT_DIE
  fi
}

#ifdef F_WITHDRAW_MOVED
#define WITHDRAWABLE (ph[b]==QUEUED || ph[b]==LEASED)
#else
#define WITHDRAWABLE (ph[b]==QUEUED || (ph[b]==LEASED && moved[b]!=g))
#endif
#ifdef BATCH
#define RESET2 ; m2=0; b2=0; g2=0; j=0
#else
#define RESET2
#endif
#define RESET k=0; m=0; b=0; g=0; t=0; eh=0; wa=0; n=0; wt=0; isfull=false RESET2
#define MINE (ph[b]==QUEUED && act[b]==me && gen[b]==g)
proctype Producer(byte me) {
  byte k, m, b, g, t, eh, wa, n, wt; bool isfull;
#ifdef BATCH
  byte m2, b2, g2, j;
#endif
next:
  if
  :: atomic{ k==MSGS -> m=0; b=0; g=0; pfin[me]=true }; goto finished
  :: atomic{ k<MSGS && BF(me*NB) -> b=me*NB; TAKE }
#ifdef BATCH
  :: atomic{ k+1<MSGS && BF(me*NB) && BF(me*NB+1) -> b=me*NB; TAKE; m2=m+1; b2=b+1; j=0;
       ph[b2]=FILL; act[b2]=me; gen[b2]=gen[b2]+1; att[b2]=0; arena[b2]=0; g2=gen[b2]; msg[b]=m; msg[b2]=m2 }; goto many
#endif
#if NB>1
  :: atomic{ k<MSGS && BF(me*NB+1) -> b=me*NB+1; TAKE }
#endif
#if NB>2
  :: atomic{ k<MSGS && BF(me*NB+2) -> b=me*NB+2; TAKE }
#endif
  OPT_DIE
  fi;
#ifdef TAKE
  if :: atomic{ msg[b]=m; mem[b]=m+1 } OPT_DIE fi;                                         /* [send.record] */
#endif
  if :: atomic{ msg[b]=m; mem[b]=m+1; ph[b]=QUEUED } OPT_DIE fi;                           /* [send.record] [send.publish] */
put:
  enqueue(b, g);
  if
  :: isfull ->
#ifdef SLEEPSP
     if
     :: spbit[me] ->
        if                                                                                /* [sleep.wait] */
        :: atomic{ spr[me] -> skip }
        :: atomic{ !spr[me] -> spz[me]=true };
           if
           :: atomic{ !spz[me] -> skip }
           :: atomic{ wd>0 && MINE -> wd--; spz[me]=false; ph[b]=FILL; wdn[m]=true }       /* [send.takeback] */
           :: atomic{ wd>0 && !MINE -> wd--; spz[me]=false; isfull=false }; goto isin      /* claimed without its reference: it is sent */
           OPT_DIE
           fi
        OPT_DIE
        fi;
        if
        :: ph[b]==FILL && wdn[m] ->
           if :: atomic{ spbit[me]=false } OPT_DIE fi;                                     /* [sleep.clear] */
#ifndef F_GIVEUP
           if :: atomic{ ROOM -> skip }; wake_sp() :: atomic{ !ROOM -> skip } OPT_DIE fi;  /* [sleep.pass] */
#endif
           goto freeit
        :: else
        fi
     :: else ->
        if :: atomic{ spbit[me]=true } OPT_DIE fi                                          /* [sleep.bit] */
     fi;
#ifdef F_COUNT_FIRST
     COUNT_SP;
#endif
     if :: atomic{ spr[me]=false } OPT_DIE fi;                                             /* [sleep.read] */
#ifndef F_COUNT_FIRST
     COUNT_SP;
#endif
     goto put                                                                              /* [sleep.look] */
#else
     if
     :: atomic{ ROOM -> isfull=false }; goto put
     :: atomic{ wd>0 && MINE -> wd--; ph[b]=FILL; wdn[m]=true; isfull=false }; goto freeit /* [send.takeback] */
     :: atomic{ wd>0 && !MINE -> wd--; isfull=false }                                      /* claimed without its reference: it is sent */
     OPT_DIE
     fi
#endif
  :: else
  fi;
isin:
  if
  :: atomic{ true -> if :: !ISATT(m) -> sent[m]=true :: else fi }
  OPT_DIE
  fi;
#ifdef SLEEPSP
  if
  :: spbit[me] ->
     if :: atomic{ spbit[me]=false } OPT_DIE fi;
     if :: atomic{ ROOM -> skip }; wake_sp() :: atomic{ !ROOM -> skip } OPT_DIE fi         /* [sleep.pass] */
  :: else
  fi;
#endif
  wake_rx();                                                                               /* [send.wake] */
  if
  :: !ISATT(m) -> goto over
  :: else
  fi;
#ifdef SLEEPOWN
  if :: atomic{ owflag[me]=true } OPT_DIE fi;                                              /* [sleep.bit] */
#endif
wait:
#ifdef SLEEPOWN
  if :: atomic{ owr[me]=false } OPT_DIE fi;                                                /* [sleep.read] */
#endif
look:
  if
  :: atomic{ ph[b]==DONE && gen[b]==g -> if :: !lost[m] -> sent[m]=true :: else fi };      /* [sleep.look] */
     goto over
  :: atomic{ ph[b]==LEASED && mreq[b]==g && moved[b]!=g -> arena[b]=m+1 };                 /* [move.copy] */
     if :: atomic{ moved[b]=g } OPT_DIE fi;                                                /* [move.answer] */
     ring_own(act[b]);                                                                     /* [move.ring] */
     goto look
  :: atomic{ wd>0 && WITHDRAWABLE -> skip }; goto cancel
#ifdef SLEEPOWN
  :: atomic{ !(ph[b]==DONE && gen[b]==g) && !(ph[b]==LEASED && mreq[b]==g && moved[b]!=g) -> skip };
     if                                                                                    /* [sleep.wait] */
     :: atomic{ owr[me] -> skip }
     :: atomic{ !owr[me] -> owz[me]=true };
        if
        :: atomic{ !owz[me] -> skip }
        :: atomic{ wd>0 && WITHDRAWABLE -> owz[me]=false; goto cancel }      /* the cancellation wakes it */
        OPT_DIE
        fi
     OPT_DIE
     fi;
     goto wait
#endif
  OPT_DIE
  fi;
cancel:
  if
  :: atomic{ WITHDRAWABLE -> wd--; wa=(ph[b]==LEASED -> act[b]+1 : 0);                     /* [withdraw.state] */
       ph[b]=FILL; act[b]=me; gen[b]=gen[b]+1; g=gen[b]; wdn[m]=true; arena[b]=0 };
     if :: atomic{ mem[b]=0 } OPT_DIE fi;                                                  /* the caller reuses its memory */
#ifndef F_WITHDRAW_SILENT
     if
     :: wa>0 -> ring_own((wa-1))                                                           /* [withdraw.ring] */
     :: else
     fi;
#endif
     wa=0;
     goto freeit
  :: atomic{ !WITHDRAWABLE -> wd-- }; goto wait                                            /* too late */
  OPT_DIE
  fi;
freeit:
  if :: atomic{ ph[b]=FREE } OPT_DIE fi;                                                   /* [send.discard] */
over:
#ifdef SLEEPOWN
  owflag[me]=false;                                                                        /* [sleep.clear] */
#endif
  k++; goto next;
#ifdef BATCH
/* Drafts b and b2; the first j of them are in the ring. Nobody waits here: what has no room is taken back, and sent alone. */
many:
  if :: atomic{ t=tail; n=0 } OPT_DIE fi;                                                  /* [enq.tail] */
fill:
  if :: atomic{ ph[(j==0 -> b : b2)]=QUEUED } OPT_DIE fi;                                  /* [send.publish] */
  if
  :: atomic{ CELLEMPTY(t+n) -> assert(t+n<tail+LAG);                                       /* [enq.cell] */
       cref[(t+n)%N]=(j==0 -> b : b2)+1; cgen[(t+n)%N]=(j==0 -> g : g2); n++; j++ };
     if :: j<2 -> goto fill :: else fi
  :: atomic{ !CELLEMPTY(t+n) -> skip }
  OPT_DIE
  fi;
  if :: atomic{ tail=(tail>=t && tail<t+n -> t+n : tail); t=0; n=0 } OPT_DIE fi;           /* [enq.advance] */
  if
  :: j==2 -> goto told
  :: else
  fi;
  if
  :: j==0 -> enqueue(b, g)
  :: else -> enqueue(b2, g2)
  fi;
  if
  :: isfull ->
     isfull=false;
     if
     :: atomic{ j==0 && ph[b]==QUEUED && act[b]==me && gen[b]==g -> ph[b]=FILL }           /* [send.takeback] */
     :: atomic{ j==1 && ph[b2]==QUEUED && act[b2]==me && gen[b2]==g2 -> ph[b2]=FILL }
     :: atomic{ j==0 && !(ph[b]==QUEUED && act[b]==me && gen[b]==g) -> j=1 }; goto many    /* somebody has claimed it */
     :: atomic{ j==1 && !(ph[b2]==QUEUED && act[b2]==me && gen[b2]==g2) -> j=2 }; goto told
     OPT_DIE
     fi;
     if :: atomic{ ph[b2]=FREE } OPT_DIE fi;                                               /* [send.discard] */
     if :: j==0 -> if :: atomic{ ph[b]=FREE } OPT_DIE fi :: else fi
  :: else -> j++; if :: j<2 -> goto many :: else fi
  fi;
told:
  if :: atomic{ if :: j>0 -> sent[m]=true :: else fi; if :: j>1 -> sent[m2]=true :: else fi } OPT_DIE fi;
  if :: j>0 -> wake_rx() :: else fi;                                                       /* [send.wake] */
  if
  :: atomic{ j>0 || !CELLBEFORE(tail) || CELLNEXT(head) || HEADSTALE -> k=k+j; j=0; m2=0; b2=0; g2=0 }  /* none: waits for room, alone */
  OPT_DIE
  fi;
  goto next;
#endif
finished:
  if OPT_DIE fi;
goto died;
dying: atomic{ RESET; goto died };
died: false
}
#undef RESET

#ifdef BATCH
#define RESET2 ; h2=0; g2=0
#elif defined(DEFER)
#define RESET2 ; took=false; hp=0
#elif defined(TAKE)
#define RESET2 ; took=false
#else
#define RESET2
#endif
#ifdef FOLLOW
#define RESET3 ; nx=0
#else
#define RESET3
#endif
#define RESET h=0; c=0; cg=0; g=0; b=0; t=0; eh=0; wa=0; n=0; wt=0; mm=0; pb=0; pg=0; quota=0; isfull=false; won=false; set=false; leave=false RESET2 RESET3
#define LEASE (ph[b]==LEASED && act[b]==IX(me) && gen[b]==g)
#ifdef F_COMPLETE_NO_GEN
#define LEASEC (ph[b]==LEASED)
#else
#define LEASEC LEASE
#endif
#ifdef SLEEP
#define NOTHING :: atomic{ EXACT CELLEMPTY(head) -> skip }; goto asleep
#else
#define NOTHING
#endif
proctype Consumer(byte me; byte quota) {
  byte h, c, cg, g, b, t, eh, wa, n, wt, mm, pb, pg; bool isfull, won, set, leave;
#ifdef BATCH
  byte h2, g2;          /* the second of two messages in hand: its block + 1 */
#endif
#ifdef TAKE
  bool took;            /* the message in hand is completed already */
#endif
#ifdef DEFER
  byte hp;              /* position + 1 of a taken reference that is still there */
#endif
#ifdef FOLLOW
  byte nx;              /* behind what was taken out last, where the head is not yet; 0: it is */
#endif
#if NJ>0
  if
  :: me==JID ->                                                                           /* [open.retire] [join.entry] */
     atomic{ entdead[JIDX] && ALLFREE((entid[JIDX]-1)) -> unl[entid[JIDX]-1]=true; entdead[JIDX]=false; entid[JIDX]=me+1; lock[me]=me }
  :: else
  fi;
#endif
top:
  if
  :: pb>0 -> enqueue((pb-1), pg);                                                          /* [putoff.enqueue] */
     if :: isfull -> isfull=false
        :: else -> pb=0; pg=0; wake_rx() fi
  :: else
  fi;
  if
  :: quota==0 ->
     if
     :: pb>0 -> if :: atomic{ ROOM -> skip } OPT_DIE fi; goto top
     :: else -> left[me]=true; goto finished
     fi
  :: else
  fi;
#ifdef DEFER
  if
  :: hp>0 -> atomic{ h=hp-1; hp=0 }; UNLINK(true)
  :: else
  fi;
#endif
look:
  if
#ifdef FOLLOW
  :: atomic{ nx>0 && CELLREF(nx) -> h=nx; c=cref[h%N]; cg=cgen[h%N]; b=c-1; nx=0 }         /* [recv.cell] */
  :: atomic{ nx>0 && !CELLREF(nx) -> head=(head<nx && nx<head+LAG -> nx : head); nx=0 }; goto look /* [recv.advance] */
#endif
  :: atomic{ EXACT CELLREF(head) -> h=head; c=cref[h%N]; cg=cgen[h%N]; b=c-1 }             /* [recv.head] [recv.cell] */
#ifdef BATCH
  :: atomic{ CELLREF(head) -> h=head; c=cref[h%N]; cg=cgen[h%N]; b=c-1 }; goto many
#endif
  :: atomic{ EXACT CELLNEXT(head) -> head=head+1 }; goto look                              /* [recv.help] */
  NOTHING
  OPT_DIE
  fi;
#ifdef F_POP_FIRST
  POP;
#endif
#ifdef F_TAKE_NO_GEN
#define ASREAD (ph[b]==QUEUED && att[b]==0)
#else
#define ASREAD (FRESH(b,cg) && gen[b]==g && att[b]==0)
#endif
#define CLAIM ph[b]=LEASED; act[b]=IX(me); g=gen[b]; mm=msg[b]; won=true; c=0; cg=0; wa=0
#ifdef TAKE
  if
  :: atomic{ FRESH(b,cg) && !ISATT(msg[b]) && att[b]==0 -> g=gen[b] };                     /* [recv.state] */
     if :: atomic{ wa=msg[b]+1 } OPT_DIE fi;                                               /* [take.copy] */
     if                                                                                    /* [take.state] */
     :: atomic{ ASREAD -> mm=msg[b]; assert(wa==mm+1 && deliv[mm]==0 && completed[mm]==0 && dlq[mm]==0 && !lost[mm] && !wdn[mm]);
#ifdef ORDER
          assert(mm%MSGS+1 > last[mm/MSGS]); last[mm/MSGS]=mm%MSGS+1;
#endif
          deliv[mm]++; completed[mm]++; ph[b]=DONE; act[b]=IX(me); won=true; took=true; c=0; cg=0; wa=0 };
        goto pop
     :: atomic{ !ASREAD -> wa=0; g=0 }
     OPT_DIE
     fi
  :: true
  fi;
#endif
#if defined(SPLIT) || defined(F_CLAIM_DROP)
again:
  if                                                                                       /* [recv.state] */
  :: atomic{ FRESH(b,cg) -> wa=act[b]+1 };
     if                                                                                    /* [recv.claim] */
     :: atomic{ FRESH(b,cg) && act[b]+1==wa -> CLAIM }
#ifdef F_CLAIM_DROP
     :: atomic{ !(FRESH(b,cg) && act[b]+1==wa) -> b=0; c=0; cg=0; wa=0 }
#else
     :: atomic{ !(FRESH(b,cg) && act[b]+1==wa) -> wa=0 }; goto again
#endif
     OPT_DIE
     fi
#else
  if                                                                                       /* [recv.state] [recv.claim] */
  :: atomic{ FRESH(b,cg) -> CLAIM }
#endif
  :: atomic{ !FRESH(b,cg) -> b=0; c=0; cg=0 }
  OPT_DIE
  fi;
#ifdef TAKE
pop:
#endif
#ifdef DEFER
  if
  :: took ->
#ifndef F_DEFER_FULL
     if                                                                                    /* [take.sleepers] */
     :: atomic{ !ANYSP -> skip }
     :: atomic{ ANYSP -> skip }; goto unlink
     OPT_DIE
     fi;
#endif
     if
     :: atomic{ !ANYRX -> hp=h+1; h=0; won=false }; goto have                              /* it stays there */
     :: atomic{ ANYRX -> skip }
     OPT_DIE
     fi
  :: else
  fi;
unlink:
#endif
#ifndef F_POP_FIRST
  POP;
#endif
#ifdef BATCH
claimed:
#endif
  if
  :: !won -> goto top
  :: else -> won=false
  fi;
#if defined(SLEEP) && !defined(F_CLEAR_LATE)
  if
  :: set -> if :: atomic{ rxbit[IX(me)]=false; set=false } OPT_DIE fi                      /* [sleep.clear] */
  :: else
  fi;
#endif
#ifdef SLEEP
  if                                                                                       /* [recv.pass] */
#ifdef FOLLOW
  :: nx>0 -> skip       /* nobody slept */
#endif
  :: atomic{ EXACT !CELLEMPTY(head) -> skip }; wake_rx()
  :: atomic{ EXACT CELLEMPTY(head) -> skip }
  OPT_DIE
  fi;
#ifdef F_CLEAR_LATE
  if
  :: set -> if :: atomic{ rxbit[IX(me)]=false; set=false } OPT_DIE fi
  :: else
  fi;
#endif
#endif
  /* a message in hand: block b, generation g, message mm */
#if defined(BATCH) || defined(DEFER)
have:
#endif
  quota--;
#ifdef TAKE
  if
  :: took -> took=false; goto after
  :: else
  fi;
#endif
  if
  :: ISATT(mm) && moved[b]!=g ->
     if
     :: atomic{ dead[OWNER(b)] -> goto gone }                                              /* [pull.read]: no such process */
     :: atomic{ !dead[OWNER(b)] -> wa=mem[b] };                                            /* [pull.read] */
        if
        :: atomic{ LEASE -> assert(wa==mm+1); wa=0 }; goto use                             /* [pull.check] */
        :: atomic{ !LEASE -> wa=0 }; goto top                                              /* withdrawn: thrown away */
        OPT_DIE
        fi
     :: atomic{ refusals>0 -> refusals-- };
        if :: atomic{ mreq[b]=g } OPT_DIE fi;                                              /* [move.request] */
        ring_own(OWNER(b))                                                                 /* [move.ring] */
     OPT_DIE
     fi
  :: else -> goto use
  fi;
#ifdef SLEEPOWN
  if :: atomic{ owflag[me]=true } OPT_DIE fi;                                              /* [sleep.bit] */
#endif
await:
#ifdef SLEEPOWN
  if :: atomic{ owr[me]=false } OPT_DIE fi;                                                /* [sleep.read] */
#endif
  if                                                                                       /* [sleep.look] */
  :: atomic{ LEASE && moved[b]==g -> owflag[me]=false }; goto use
  :: atomic{ !LEASE -> owflag[me]=false }; goto top
  :: atomic{ LEASE && moved[b]!=g && OWNERDEAD(OWNER(b)) -> owflag[me]=false }; goto gone
  :: atomic{ LEASE && moved[b]!=g && dead[OWNER(b)] -> owflag[me]=false }; goto gone     /* ended, whoever recovers it */
#ifdef SLEEPOWN
  :: atomic{ LEASE && moved[b]!=g && !OWNERDEAD(OWNER(b)) -> skip };
     if                                                                                    /* [sleep.wait] */
     :: atomic{ owr[me] -> skip }
     :: atomic{ !owr[me] -> owz[me]=true };
        if :: atomic{ !owz[me] -> skip } OPT_DIE fi
     OPT_DIE
     fi;
     goto await
#endif
  OPT_DIE
  fi;
gone: /* the sender died with the bytes */
  if
  :: atomic{ if :: LEASE -> ph[b]=DONE; act[b]=IX(me); assert(!sent[mm] && !lost[mm] && dead[OWNER(b)]); lost[mm]=true :: else fi }
  OPT_DIE
  fi;
  goto after;
use:
  if
  :: atomic{ LEASE ->                      /* the bytes are handed out; beyond the limit, if the dead letters have no room */
#ifdef ORDER
       if :: att[b]==0 -> assert(mm%MSGS+1 > last[mm/MSGS]); last[mm/MSGS]=mm%MSGS+1 :: else fi;
#endif
       assert(deliv[mm]<=att[b] && completed[mm]==0 && !wdn[mm]); deliv[mm]++ }
  :: atomic{ LEASE && att[b]>=LIMIT -> dlq[mm]++ };                                        /* [dead.send] */
     if :: atomic{ if :: LEASE -> ph[b]=DONE; act[b]=IX(me) :: else -> assert(wdn[mm]) fi } /* [dead.state] */
        OPT_DIE fi;
     goto after
  :: atomic{ !LEASE -> skip }; goto top
  OPT_DIE
  fi;
  if
  :: atomic{ true ->                                                                       /* [complete.state] */
       assert((ISATT(mm) && moved[b]!=g) || (ISATT(mm) -> arena[b] : msg[b]+1)==mm+1);  /* read in place */
       if
       :: LEASEC -> assert(!wdn[mm] && completed[mm]==0 && (dlq[mm]==0 || att[b]>=LIMIT) && !lost[mm]); completed[mm]++; ph[b]=DONE; act[b]=IX(me)
       :: else -> assert(wdn[mm])
       fi }
  :: atomic{ abandons>0 && LEASE -> abandons--; ph[b]=QUEUED; act[b]=IX(me); att[b]=att[b]+1 }; /* [abandon.state] */
     enqueue(b, g);                                                                        /* [abandon.enqueue] */
     if
     :: isfull -> atomic{ assert(pb==0); pb=b+1; pg=g; isfull=false }                          /* [putoff.keep] */
     :: else -> wake_rx()                                                                  /* [abandon.wake] */
     fi;
     goto over
  :: atomic{ abandons>0 && LEASE && att[b]+1>=LIMIT -> abandons--; dlq[mm]++ };            /* [dead.send]: its last attempt */
     if :: atomic{ if :: LEASE -> ph[b]=DONE; act[b]=IX(me) :: else -> assert(wdn[mm]) fi } OPT_DIE fi /* [dead.state] */
  OPT_DIE
  fi;
after:
  ring_own(OWNER(b));                                                                      /* [complete.ring] */
#ifndef F_RETIRE_ONCE
  retire(OWNER(b));                                                                        /* [complete.retire] */
#endif
over:
#ifdef BATCH
  if
  :: h2>0 -> atomic{ b=h2-1; g=g2; mm=msg[b]; h2=0; g2=0 }; goto have
  :: else
  fi;
#endif
  b=0; g=0; mm=0;
  goto top;
#ifdef BATCH
many:
  if                                                                                       /* [recv.state] [recv.claim] */
  :: atomic{ FRESH(b,cg) -> CLAIM }
  :: atomic{ !FRESH(b,cg) -> b=0; c=0; cg=0 }
  OPT_DIE
  fi;
  if :: atomic{ assert(h<head+LAG); n=1; if :: CELLREF(h) -> clap[h%N]=clap[h%N]+1; cref[h%N]=0; cgen[h%N]=0 :: else fi } OPT_DIE fi; /* [recv.pop] */
  if
  :: atomic{ CELLREF(h+1) -> c=cref[(h+1)%N]; cg=cgen[(h+1)%N] };                          /* [recv.cell] */
     if                                                                                    /* [recv.state] [recv.claim] */
     :: atomic{ FRESH((c-1),cg) -> ph[c-1]=LEASED; act[c-1]=IX(me); h2=c; g2=gen[c-1]; c=0; cg=0 }
     :: atomic{ !FRESH((c-1),cg) -> c=0; cg=0 }
     OPT_DIE
     fi;
     if :: atomic{ assert(h+1<head+LAG); n=2; if :: CELLREF(h+1) -> clap[(h+1)%N]=clap[(h+1)%N]+1; cref[(h+1)%N]=0; cgen[(h+1)%N]=0 :: else fi } /* [recv.pop] */
        OPT_DIE fi
  :: atomic{ !CELLREF(h+1) -> skip }
  OPT_DIE
  fi;
  if :: atomic{ head=(head>=h && head<h+n -> h+n : head); h=0; n=0 } OPT_DIE fi;           /* [recv.advance] */
  wake_sp();
  if
  :: !won && h2>0 -> atomic{ b=h2-1; g=g2; mm=msg[b]; h2=0; g2=0; won=true }
  :: else
  fi;
  goto claimed;
#endif
#ifdef SLEEP
asleep:
  if
  :: !set ->
     if :: atomic{ rxbit[IX(me)]=true; set=true } OPT_DIE fi;                              /* [sleep.bit] */
readbell:
#ifdef F_COUNT_FIRST
     COUNT_RX;
#endif
     if :: atomic{ rxr[me]=false } OPT_DIE fi;                                             /* [sleep.read] */
#ifndef F_COUNT_FIRST
     COUNT_RX;
#endif
#ifndef F_NO_LOOK
     goto look                                                                             /* [sleep.look] */
#endif
  :: else
  fi;
  if                                                                                       /* [sleep.wait] */
  :: atomic{ rxr[me] -> skip }
  :: atomic{ !rxr[me] -> rxz[me]=true };
     if
     :: atomic{ !rxz[me] -> skip }
     :: atomic{ giveups>0 -> giveups--; rxz[me]=false; leave=true }
     OPT_DIE
     fi
  OPT_DIE
  fi;
#ifdef F_NO_LOOK
  goto look;
#endif
  if
  :: leave ->
     if :: atomic{ rxbit[IX(me)]=false; set=false } OPT_DIE fi;                            /* [sleep.clear] */
#ifndef F_GIVEUP
     if                                                                                    /* [sleep.pass] */
     :: atomic{ !CELLEMPTY(head) -> skip }; wake_rx()
     :: atomic{ CELLEMPTY(head) -> skip }
     OPT_DIE
     fi;
#endif
     quota=0; leave=false
  :: else -> goto readbell                  /* the bit stays: it is cleared by who has a message, or leaves */
  fi;
  goto top;
#endif
finished:
  if OPT_DIE fi;
goto died;
dying: atomic{ RESET; goto died };
died: false
}
#undef RESET

inline ring_all() {
#if defined(SLEEP) || defined(SLEEPSP) || defined(SLEEPOWN)
  n=0;
  do
  :: n<NA ->
     if :: atomic{ rxr[n]=true; spr[n]=true; owr[n]=true } OPT_DIE fi;
     if :: atomic{ rxz[n]=false; spz[n]=false; owz[n]=false; n++ } OPT_DIE fi
  :: else -> break
  od;
  n=0;
#endif
  skip
}
#ifdef OUTSIDE         /* who has the file open finds its lock free also after it is unlinked */
#define SUSPECT(x) (entid[IX(x)]==x+1 && lock[x]==NOBODY)
#else
#define SUSPECT(x) (entid[IX(x)]==x+1 && lock[x]==NOBODY && !unl[x])
#endif
#define RESET x=0; b=0; t=0; eh=0; wa=0; n=0; isfull=false
proctype Recoverer(byte me) {
  byte x, b, t, eh, wa, n; bool isfull;
idle:
  if
  :: atomic{ SUSPECT(0) -> x=0; lock[x]=me }                                               /* [death.lock] */
  :: atomic{ SUSPECT(1) -> x=1; lock[x]=me }
#if NA>2
  :: atomic{ SUSPECT(2) -> x=2; lock[x]=me }
#endif
#if NA>3
  :: atomic{ SUSPECT(3) -> x=3; lock[x]=me }
#endif
#if NA>4
  :: atomic{ SUSPECT(4) -> x=4; lock[x]=me }
#endif
#if NA>5
  :: atomic{ SUSPECT(5) -> x=5; lock[x]=me }
#endif
  OPT_DIE
  fi;
#ifndef F_STEAL
  if                                /* somebody recovered it to the end before: its index may be another's soon */
#ifdef F_SETTLED_SILENT
  :: atomic{ entid[IX(x)]!=x+1 || entdead[IX(x)] -> x=0; goto idle }
#else
  :: atomic{ entid[IX(x)]!=x+1 || entdead[IX(x)] -> goto ringall }                         /* [death.entry?] */
#endif
  :: atomic{ entid[IX(x)]==x+1 && !entdead[IX(x)] -> skip }
  fi;
#endif
  do
  :: b<NBLK ->
     if
     :: atomic{ !(act[b]==IX(x) && (ph[b]==FILL || ph[b]==QUEUED || ph[b]==LEASED)) -> b++ } /* [death.scan] */
     :: atomic{ act[b]==IX(x) && ph[b]==FILL && OWNER(b)==x -> ph[b]=FREE; b++ }           /* [death.filling] */
     :: atomic{ act[b]==IX(x) && ph[b]==QUEUED && OWNER(b)==x && ISATT(msg[b]) && moved[b]!=gen[b] ->  /* [death.lost] */
          assert(!sent[msg[b]] && !lost[msg[b]]); lost[msg[b]]=true; ph[b]=DONE; act[b]=me; b++ }
     :: atomic{ act[b]==IX(x) && (ph[b]==LEASED || (ph[b]==QUEUED && !(OWNER(b)==x && ISATT(msg[b]) && moved[b]!=gen[b]))) ->
#ifdef F_NO_REENQUEUE
          isfull=(ph[b]==LEASED);
#else
          isfull=true;
#endif
          /* The actor stays X: until X is marked dead, a later recoverer finds under its index what was done in its name. */
          if
          :: ph[b]==LEASED -> ph[b]=QUEUED; att[b]=att[b]+1                                /* [death.leased] */
          :: else -> skip                                                                  /* it is queued */
          fi;
          n=gen[b] };
        if
        :: isfull ->
           enqueue(b, n);                                                                  /* [death.enqueue] */
           if
           :: isfull ->                                                                    /* [death.full] */
              /* X is not marked: the lock goes, and somebody begins again when there is room. */
              atomic{ DROP(x,me); RESET };
              if :: atomic{ ROOM -> skip } OPT_DIE fi;
              goto idle
           :: else
           fi
        :: else
        fi;
        n=0; b++
     OPT_DIE
     fi
  :: else -> break
  od;
  b=0;
#ifndef F_NO_RING
  ring_all();                                                                              /* [death.ring]: what X owed */
#endif
  if :: atomic{ rxbit[IX(x)]=false; spbit[IX(x)]=false } OPT_DIE fi;                       /* [death.bits] */
  if :: atomic{ if :: entid[IX(x)]==x+1 -> entdead[IX(x)]=true :: else fi } OPT_DIE fi;                                          /* [death.entry] */
ringall:
#ifndef F_NO_RING
  ring_all();                                                                              /* [death.again]: those who wait for the mark */
#endif
  /* [death.retire]: every dead participant, as one that owed a retire may be the one that died */
#ifdef F_RETIRE_X
  retire(x);
#else
  x=0;
  do
  :: x<NA -> retire(x); x++
  :: else -> break
  od;
#endif
  x=0;
  goto idle;
goto died;
dying: atomic{ RESET; goto died };
died: false
}
#undef RESET

#define ANYC ((!dead[C0] && !left[C0]) || CONS2 || CONS3)
#if NCN>1
#define CONS2 (!dead[C0+1] && !left[C0+1])
#else
#define CONS2 false
#endif
#if NJ>0
#define CONS3 (entid[JIDX]==JID+1 && !dead[JID])
#else
#define CONS3 false
#endif
#if NR>1
#define ANYR (!dead[R0] || !dead[R0+1])
#else
#define ANYR (!dead[R0])
#endif
proctype Monitor() {
  byte i; bool c, r;
  atomic{ timeout ->
    c=ANYC; r=ANYR;
    if
    :: c && r ->
       i=0; do :: i<NBLK -> assert(BF(i)); i++ :: else -> break od;           /* nothing left undone */
       i=0; do :: i<NP -> assert(dead[i] || pfin[i]); i++ :: else -> break od; /* no sender waits */
       i=0; do :: i<NM -> assert(!sent[i] || completed[i]==1 || dlq[i]>0); assert(!wdn[i] || completed[i]==0); i++ :: else -> break od;
       i=0; do :: i<NA ->
              assert(!(dead[i] && entid[IX(i)]==i+1));                        /* every dead participant is retired */
              assert(dead[i] || !owz[i]);                                     /* nobody waits for an answer */
              assert(entid[i]>0 || (!rxbit[i] && !spbit[i])); i++
           :: else -> break od
    :: else
    fi;
    i=0; c=0; r=0 }
}

init {
  byte i;
  atomic {
    i=0; do :: i<NP+NCN+NR -> entid[i]=i+1; lock[i]=i; i++ :: else -> break od;
#if NJ>0
    lock[JID]=JID;
#endif
#ifdef OUTSIDE
    entid[R0+1]=0;      /* the second recoverer is no participant (yet): nobody recovers it */
#endif
    /* Budgets are drawn at the start: an unused one would keep a blocked process able to move, and hide that it waits. */
    kills=0; do :: kills<KILLS -> kills++ :: break od;
    wd=0; do :: wd<WDS -> wd++ :: break od;
    giveups=0; do :: giveups<GIVEUPS -> giveups++ :: break od;
    i=0;
    run Producer(0);
#if NP>1
    run Producer(1);
#endif
    run Consumer(C0, CQ0);
#if NCN>1
    run Consumer(C0+1, CQ1);
#endif
    run Recoverer(R0);
#if NR>1
    run Recoverer(R0+1);
#endif
#if NJ>0
    run Consumer(JID, 9);
#endif
    run Monitor()
  }
}
