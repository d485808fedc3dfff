/* A receiver and a sender copy one attached message together, and either may be killed between any two steps; the message
   may be withdrawn at any time, abandoned and received again. The words for it lie in the receiver's file: the posting
   { tag, destination }, the cursor { tag, next piece }, one mark for each piece that the sender took. A tag is never used
   twice by a receiver.

   The claim, recovery and enqueue are one step each here: they are queue.pml's business. */

#ifndef PN
#define PN 3            /* pieces, 2..4 */
#endif
#ifndef KILLS
#define KILLS 1
#endif
#ifndef WDS
#define WDS 1
#endif
#ifndef ABANDONS
#define ABANDONS 1
#endif
#ifndef REFUSALS
#define REFUSALS 1      /* pushes that are refused: the piece is given back */
#endif
#ifndef NREC
#define NREC 2          /* receivers: ids 1.. ; the sender is 0 */
#endif
#define NA (NREC+1)
#define QUEUED 2
#define LEASED 3
#define DONE 4
#define FREE 0

byte ph=QUEUED, act=0, gen=1;    /* the block */
bool entdead;                    /* the sender is dead and recovered */
bool memok=true;                 /* the sender's memory holds the message */
byte post[NA], cur[NA], ctag[NA]; byte sd[NA*PN];   /* the receivers' files: 0 = open, 1 = pushed, 2 = given back */
byte buf[NA*PN];                 /* the destination: 0 = nothing, 1 = the message, 2 = garbage */
byte inuse[NA];                  /* the tag for which the destination is posted; 0 = it is the user's again */
bool rung[NA], zz[NA], flag[NA], dead[NA], rec[NA];
byte kills, wd, abandons=ABANDONS, refusals=REFUSALS;
bool completed, wdn, lost, fin[NA]; byte tags;

#define CANDIE (kills>0)
#define OPT_DIE :: atomic{ CANDIE -> kills--; dead[me]=true; rung[me]=false; zz[me]=false; flag[me]=false; goto dying }
#define LIVE (!dead[0])

inline ring(a) {
  if
  :: atomic{ flag[a] -> skip };
     if :: atomic{ rung[a]=true } OPT_DIE fi;
     if :: atomic{ zz[a]=false } OPT_DIE fi
  :: atomic{ !flag[a] -> skip }
  OPT_DIE
  fi
}
/* The user has its buffer back. The rest only makes equal states equal. */
#define CLEAN inuse[me]=0; n=0; rung[me]=false; i=0; do :: i<PN -> buf[me*PN+i]=0; sd[me*PN+i]=0; mine[i]=false; i++ :: else -> break od; i=0
#define LEASE (ph==LEASED && act==me && gen==g)

proctype Receiver(byte me) {
  byte g, i, n; bool mine[PN]; bool bad;
claim:
  if
  :: atomic{ ph==QUEUED -> ph=LEASED; act=me; g=gen }                                      /* [recv.claim] */
  :: atomic{ ph==DONE || ph==FREE -> fin[me]=true }; goto finished
  OPT_DIE
  fi;
  if
  :: atomic{ tags++; inuse[me]=tags; cur[me]=0; ctag[me]=tags;
             i=0; do :: i<PN -> sd[me*PN+i]=0; buf[me*PN+i]=0; mine[i]=false; i++ :: else -> break od; i=0 } /* [both.prepare] */
  OPT_DIE
  fi;
  if :: atomic{ post[me]=tags } OPT_DIE fi;                                                /* [both.post] */
  ring(0);
piece:
  if
  :: atomic{ cur[me]<PN -> i=cur[me]; cur[me]=cur[me]+1; mine[i]=true }                    /* [both.take] */
  :: atomic{ cur[me]>=PN -> n=PN }; goto others
  :: atomic{ !LEASE && cur[me]<PN -> n=cur[me]; cur[me]=PN; bad=true }; goto others        /* [both.close]: withdrawn in between */
  OPT_DIE
  fi;
  if
  :: atomic{ LIVE -> buf[me*PN+i]=(memok -> 1 : 2) }                                       /* [both.pull] */
  :: atomic{ !LIVE -> bad=true; n=cur[me]; cur[me]=PN }; goto others                       /* no such process */
  OPT_DIE
  fi;
  i=0;
  goto piece;
others:                                                                                    /* [both.wait]: the sender's pieces */
  i=0;
#ifndef F_NO_WAIT
  do
  :: i<n ->
     if
     :: mine[i] -> i++
     :: else ->
again:
        if :: atomic{ rung[me]=false } OPT_DIE fi;                                         /* [sleep.read] */
        if :: atomic{ flag[me]=true } OPT_DIE fi;                                          /* [sleep.bit] */
        if                                                                                 /* [sleep.look] */
        :: atomic{ sd[me*PN+i]==1 -> i++ }
        :: atomic{ sd[me*PN+i]==2 -> skip };                                               /* given back: copy it myself */
           if
           :: atomic{ LIVE -> buf[me*PN+i]=(memok -> 1 : 2); i++ }                         /* [both.again] */
           :: atomic{ !LIVE -> bad=true; i++ }
           OPT_DIE
           fi
#ifndef F_WAIT_DEAD
        :: atomic{ sd[me*PN+i]==0 && entdead -> skip };                                    /* taken by a dead sender: copy it again, */
           if                                                                              /* which finds no process */
           :: atomic{ LIVE -> buf[me*PN+i]=(memok -> 1 : 2); i++ }
           :: atomic{ !LIVE -> bad=true; i++ }
           OPT_DIE
           fi
        :: atomic{ sd[me*PN+i]==0 && !entdead -> skip };
#else
        :: atomic{ sd[me*PN+i]==0 -> skip };
#endif
           if                                                                              /* [sleep.wait] */
           :: atomic{ rung[me] -> skip }
           :: atomic{ !rung[me] -> zz[me]=true };
              if :: atomic{ !zz[me] -> skip } OPT_DIE fi
           OPT_DIE
           fi;
           goto again
        OPT_DIE
        fi
     fi
  :: else -> break
  od;
#endif
  i=0; d_step{ flag[me]=false; rung[me]=false };
  if :: atomic{ post[me]=0 } OPT_DIE fi;                                                   /* [both.unpost] */
  if
  :: atomic{ LEASE && !bad ->                                                              /* [pull.check] */
       i=0; do :: i<PN -> assert(buf[me*PN+i]==1); i++ :: else -> break od; CLEAN }
  :: atomic{ !LEASE -> assert(wdn || lost); bad=false; CLEAN; g=0 }; goto claim
  :: atomic{ LEASE && bad -> assert(dead[0]); ph=DONE; act=me; lost=true; bad=false; CLEAN; g=0 }; goto claim
  OPT_DIE
  fi;
  n=0;
  if
  :: atomic{ if :: LEASE -> assert(!completed && !wdn && !lost); completed=true; ph=DONE; act=me /* [complete.state] */
                :: else -> assert(wdn) fi; g=0 };
     ring(0)
  :: atomic{ abandons>0 && LEASE -> abandons--; ph=QUEUED; act=me; g=0 }                   /* [abandon.state] */
  OPT_DIE
  fi;
  goto claim;
finished:
  if OPT_DIE fi;
  goto died;
dying: atomic{ g=0; i=0; n=0; bad=false; inuse[me]=0;
               do :: i<PN -> mine[i]=false; buf[me*PN+i]=0; i++ :: else -> break od; i=0; goto died };
died: false
}

/* The sender's side: its helping thread. */
proctype Sender(byte me) {
  byte r, tg, i;
wait:
  if :: atomic{ rung[0]=false } OPT_DIE fi;                                                /* [sleep.read] */
  if :: atomic{ flag[0]=true } OPT_DIE fi;                                                 /* [sleep.bit] */
look:
  if
  :: atomic{ ph==DONE || ph==FREE -> fin[0]=true }; goto finished
  :: atomic{ post[1]!=0 && cur[1]<PN -> r=1; tg=post[1] }                                  /* [help.read] */
#if NREC>1
  :: atomic{ post[2]!=0 && cur[2]<PN -> r=2; tg=post[2] }
  :: atomic{ !(post[1]!=0 && cur[1]<PN) && !(post[2]!=0 && cur[2]<PN) && !(ph==DONE || ph==FREE) -> skip };
#else
  :: atomic{ !(post[1]!=0 && cur[1]<PN) && !(ph==DONE || ph==FREE) -> skip };
#endif
     if                                                                                    /* [sleep.wait] */
     :: atomic{ rung[0] -> skip }
     :: atomic{ !rung[0] -> zz[0]=true };
        if :: atomic{ !zz[0] -> skip } OPT_DIE fi
     OPT_DIE
     fi;
     goto wait
  OPT_DIE
  fi;
  if                                                                                       /* [help.take] */
#ifdef F_NO_TAG
  :: atomic{ cur[r]<PN -> i=cur[r]; cur[r]=cur[r]+1 }
  :: atomic{ cur[r]>=PN -> r=0; tg=0 }; goto look
#else
  :: atomic{ cur[r]<PN && ctag[r]==tg -> i=cur[r]; cur[r]=cur[r]+1 }
  :: atomic{ !(cur[r]<PN && ctag[r]==tg) -> r=0; tg=0 }; goto look
#endif
  OPT_DIE
  fi;
  if                                                                                       /* [help.push]: begin, end */
  :: atomic{ true -> skip };
     if :: atomic{ assert(dead[r] || inuse[r]==tg); if :: !dead[r] -> buf[r*PN+i]=(memok -> 1 : 2) :: else fi } OPT_DIE fi;
     if :: atomic{ sd[r*PN+i]=1 } OPT_DIE fi                                               /* [help.mark] */
  :: atomic{ refusals>0 -> refusals-- };
     if :: atomic{ sd[r*PN+i]=2 } OPT_DIE fi                                               /* [help.back] */
  OPT_DIE
  fi;
  i=0; tg=0;
  ring(r);                                                                                 /* [help.ring] */
  r=0;
  goto look;
finished:
  if OPT_DIE fi;
  goto died;
dying: atomic{ r=0; tg=0; i=0; flag[0]=false; goto died };
died: false
}

/* Another thread of the sender, that cancels the send. */
proctype Canceller() {
  byte a;
  if
  :: atomic{ wd>0 && !dead[0] && (ph==QUEUED || ph==LEASED) -> wd--; a=(ph==LEASED -> act : 0); ph=FREE; gen=gen+1; wdn=true }; /* [withdraw.state] */
     if :: atomic{ !dead[0] -> memok=false; rung[0]=true; zz[0]=false } :: dead[0] -> goto died fi;
     if :: atomic{ !dead[0] && a>0 -> rung[a]=true } :: a==0 || dead[0] -> goto died fi;   /* [withdraw.ring] */
     if :: atomic{ !dead[0] -> zz[a]=false } :: dead[0] -> goto died fi
  :: atomic{ wd==0 || dead[0] || ph==DONE -> wd=0 }
  fi;
died:
  a=0; false
}

/* Recovery, in the order of docs/protocol.md. */
proctype Recoverer() {
  byte n;
idle:
  if
  :: atomic{ dead[0] && !entdead -> if :: ph==QUEUED -> ph=DONE; lost=true :: else fi };
     entdead=true
  :: atomic{ dead[1] && !rec[1] -> rec[1]=true; if :: ph==LEASED && act==1 -> ph=QUEUED; act=0 :: else fi }
#if NREC>1
  :: atomic{ dead[2] && !rec[2] -> rec[2]=true; if :: ph==LEASED && act==2 -> ph=QUEUED; act=0 :: else fi }
#endif
  fi;
  d_step{ n=0; do :: n<NA -> rung[n]=!dead[n]; zz[n]=false; n++ :: else -> break od; n=0 };  /* [death.ring] */
  goto idle
}

proctype Monitor() {
  byte i;
  atomic{ timeout ->
    i=0; do :: i<NA -> assert(dead[i] || fin[i] || (ph==QUEUED && dead[1] && (NREC==1 || dead[NREC]))); i++ :: else -> break od;
    assert(ph==DONE || ph==FREE || (ph==QUEUED && dead[1] && (NREC==1 || dead[NREC])));
    assert(completed || wdn || lost || ph==QUEUED);
    i=0 }
}

init {
  atomic {
    kills=0; do :: kills<KILLS -> kills++ :: break od;
    wd=0; do :: wd<WDS -> wd++ :: break od;
    run Sender(0); run Canceller(); run Receiver(1);
#if NREC>1
    run Receiver(2);
#endif
    run Recoverer(); run Monitor()
  }
}
