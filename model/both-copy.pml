/* A receiver and a sender copy one attached message together, and either may be killed between any two steps; the message
   may be withdrawn at any time, abandoned and received again. The words for it lie in the receiver's file: the posting
   { tag, destination }, the cursor { tag, pieces taken from the front, from the back }, one mark for each piece that the sender
   took. The receiver takes from the front, the sender from the back. A tag is never used twice by a receiver.

   -DAWAKE: the sender's thread is blocked in the send and awake: it looks without having announced a sleep, and announces one before it sleeps.

   -DNOPULL is the push: the receiver cannot read the sender's memory at all, so it posts and takes no piece itself. What it
   does if the sender cannot write either: it asks for the move into the arena. Its user may stop waiting (CANCELS).

   -DSTAGED: the payload goes piece by piece through one place of the receiver's, which is posted again for each piece, with one piece each; it copies each on before it posts the next. Two such places are two of these
   side by side.

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
#ifndef CANCELS
#define CANCELS 0       /* NOPULL: receivers' users that stop waiting */
#endif
#ifndef NREC
#define NREC 2          /* receivers: ids 1.. ; the sender is 0 */
#endif
#ifdef F_NO_TAG_PUSH
#define F_NO_TAG
#endif
#define NA (NREC+1)
#define QUEUED 2
#define LEASED 3
#define DONE 4
#define FREE 0

byte ph=QUEUED, act=0, gen=1;    /* the block */
bool entdead;                    /* the sender is dead and recovered */
bool memok=true;                 /* the sender's memory holds the message */
byte post[NA], cur[NA], bck[NA], ctag[NA], dest[NA]; byte sd[NA*PN]; /* the receivers' files; sd: 0 = open, 1 = pushed, 2 = given back */
bool gate;                       /* in the sender's process: its helping thread is at a piece, or moves */
bool mreq, moved; byte arena;
byte buf[NA*PN];                 /* the destination: 0 = nothing, 1 = the message, 2 = garbage */
byte inuse[NA];                  /* the tag for which the destination is posted; 0 = it is the user's again */
bool rung[NA], zz[NA], flag[NA], dead[NA], rec[NA];
byte kills, wd, abandons=ABANDONS, refusals=REFUSALS;
byte cancels;
bool completed, wdn, lost, fin[NA]; byte tags;

#ifdef STAGED
#define POSTED 1
byte off[NA];                    /* beside the place: which piece of the payload it is posted for */
byte out[NA*PN];                 /* what was copied on, or pulled: the number of the piece + 1, or OTHER */
#define OTHER (PN+1)
#define PART (fo+1)
#define FORGET fd=0; fo=0
#else
#define POSTED PN
#define PART 1
#define FORGET fd=0
#endif

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
#define CLEAN inuse[me]=0; n=0; rung[me]=false; i=0; do :: i<PN -> buf[me*PN+i]=0; sd[me*PN+i]=0; i++ :: else -> break od; i=0
#define STAGEDCLEAN bad=false; n=0; rung[me]=false; i=0; do :: i<PN -> out[me*PN+i]=0; i++ :: else -> break od; i=0
#define LEASE (ph==LEASED && act==me && gen==g)
#define PREPARE tags++; inuse[me]=tags; cur[me]=0; bck[me]=0; ctag[me]=tags; \
  i=0; do :: i<PN -> sd[me*PN+i]=0; buf[me*PN+i]=0; i++ :: else -> break od; i=0
/* Not all are taken; the last of those that the sender took. */
#define OPEN(r) (cur[r]+bck[r]<POSTED)
#define BACK (POSTED-1-i)
#if PN==2
#define ALLPUSHED (sd[me*PN]==1 && sd[me*PN+1]==1)
#define ANYBACK (sd[me*PN]==2 || sd[me*PN+1]==2)
#endif
#if PN==3
#define ALLPUSHED (sd[me*PN]==1 && sd[me*PN+1]==1 && sd[me*PN+2]==1)
#define ANYBACK (sd[me*PN]==2 || sd[me*PN+1]==2 || sd[me*PN+2]==2)
#endif
/* Asleep until rung; the receiver's user may stop waiting in NOPULL. */
#define OPT_CANCEL(then) :: atomic{ cancels>0 -> cancels--; zz[me]=false; quit=true }; goto then

proctype Receiver(byte me) {
  byte g, i, n; bool bad, quit;
claim:
  if
  :: atomic{ ph==QUEUED -> ph=LEASED; act=me; g=gen }                                      /* [recv.claim] */
  :: atomic{ ph==DONE || ph==FREE -> fin[me]=true }; goto finished
  OPT_DIE
  fi;
#ifdef NOPULL
copy:
  if
  :: atomic{ LEASE && moved -> assert(arena==1) }; goto use
  :: atomic{ !LEASE -> assert(wdn || lost); bad=false; g=0 }; goto claim
  :: atomic{ LEASE && !moved && entdead -> ph=DONE; act=me; lost=true; bad=false; g=0 }; goto claim
  :: atomic{ LEASE && !moved && !entdead && bad -> mreq=true }; goto move                  /* [move.request]: the push was refused, too */
  :: atomic{ LEASE && !moved && !entdead && !bad -> PREPARE }                              /* [both.prepare] */
  OPT_DIE
  fi;
  if :: atomic{ dest[me]=inuse[me] } OPT_DIE fi;
  if :: atomic{ post[me]=inuse[me] } OPT_DIE fi;                                           /* [both.post] */
  ring(0);                                                                                 /* [both.ring] */
await:                                                                                     /* [push.wait] */
  if :: atomic{ flag[me]=true } OPT_DIE fi;                                                /* [sleep.bit] */
  if :: atomic{ rung[me]=false } OPT_DIE fi;                                               /* [sleep.read] */
  if                                                                                       /* [sleep.look] */
  :: atomic{ ALLPUSHED || ANYBACK || !LEASE || entdead -> skip }
  :: atomic{ !(ALLPUSHED || ANYBACK || !LEASE || entdead) -> skip };
     if                                                                                    /* [sleep.wait] */
     :: atomic{ rung[me] -> skip }
     :: atomic{ !rung[me] -> zz[me]=true };
        if :: atomic{ !zz[me] -> skip } OPT_CANCEL(close) OPT_DIE fi
     OPT_DIE
     fi;
     goto await
  OPT_CANCEL(close)
  OPT_DIE
  fi;
close:
  if                                                                                       /* [both.close] */
#ifdef F_CANCEL_NO_WAIT
  :: atomic{ n=(quit -> 0 : bck[me]); cur[me]=PN }
#else
  :: atomic{ n=bck[me]; cur[me]=PN }
#endif
  OPT_DIE
  fi;
  i=0;
  do                                                                                       /* [both.wait]: what was taken */
  :: i<n ->
again:
     if :: atomic{ flag[me]=true } OPT_DIE fi;                                             /* [sleep.bit] */
     if :: atomic{ rung[me]=false } OPT_DIE fi;                                            /* [sleep.read] */
     if                                                                                    /* [sleep.look] */
     :: atomic{ sd[me*PN+BACK]!=0 -> i++ }
     :: atomic{ sd[me*PN+BACK]==0 && entdead -> i++ }
     :: atomic{ sd[me*PN+BACK]==0 && !entdead -> skip };
        if                                                                                 /* [sleep.wait] */
        :: atomic{ rung[me] -> skip }
        :: atomic{ !rung[me] -> zz[me]=true };
           if :: atomic{ !zz[me] -> skip } OPT_DIE fi
        OPT_DIE
        fi;
        goto again
     OPT_DIE
     fi
  :: else -> break
  od;
  i=0; d_step{ flag[me]=false; rung[me]=false };
  if :: atomic{ post[me]=0; bad=ANYBACK } OPT_DIE fi;                                      /* [both.unpost] */
  if
  :: atomic{ LEASE && ALLPUSHED ->                                                         /* [push.check] */
       quit=false; i=0; do :: i<PN -> assert(buf[me*PN+i]==1); i++ :: else -> break od; CLEAN }; goto use
  :: atomic{ !LEASE || (!ALLPUSHED && !quit) -> quit=false; CLEAN }; goto copy
  :: atomic{ LEASE && !ALLPUSHED && quit -> CLEAN }; goto left
  OPT_DIE
  fi;
move:
  ring(0);                                                                                 /* [move.ring] */
awaitmove:
  if :: atomic{ flag[me]=true } OPT_DIE fi;                                                /* [sleep.bit] */
  if :: atomic{ rung[me]=false } OPT_DIE fi;                                               /* [sleep.read] */
  if                                                                                       /* [sleep.look] */
  :: atomic{ moved || !LEASE || entdead -> flag[me]=false; rung[me]=false }; goto copy
  :: atomic{ !(moved || !LEASE || entdead) -> skip };
     if                                                                                    /* [sleep.wait] */
     :: atomic{ rung[me] -> skip }
     :: atomic{ !rung[me] -> zz[me]=true };
        if :: atomic{ !zz[me] -> skip } OPT_CANCEL(left) OPT_DIE fi
     OPT_DIE
     fi;
     goto awaitmove
  OPT_CANCEL(left)
  OPT_DIE
  fi;
left: /* cancelled: the message stays on its lease, and its receiver copies once more or gives it back */
  if
  :: atomic{ true -> quit=false; flag[me]=false; rung[me]=false }; goto copy
  :: atomic{ LEASE -> ph=QUEUED; act=me; g=0; quit=false; bad=false; flag[me]=false; rung[me]=false }; goto claim /* [abandon.state] */
  OPT_DIE
  fi;
#else
#ifdef STAGED
stage: /* the next piece is n */
  i=0;
  if
  :: atomic{ n<PN -> tags++; inuse[me]=tags; cur[me]=0; bck[me]=0; ctag[me]=tags; sd[me*PN]=0 } /* [both.prepare]: what the piece before left is still in it */
  :: atomic{ n==PN && LEASE ->
       i=0; do :: i<PN -> assert(out[me*PN+i]==i+1); i++ :: else -> break od; i=0; STAGEDCLEAN }; goto use
  :: atomic{ n==PN && !LEASE -> assert(wdn || lost); STAGEDCLEAN; g=0 }; goto claim
  OPT_DIE
  fi;
  if :: atomic{ dest[me]=inuse[me]; off[me]=n } OPT_DIE fi;
  if :: atomic{ post[me]=inuse[me] } OPT_DIE fi;                                           /* [both.post] */
  ring(0);                                                                                 /* [both.ring] */
  if                                                                                       /* [staged.wait]: it is there, or it is not in time */
  :: atomic{ true -> skip }
  OPT_DIE
  fi;
  if :: atomic{ i=bck[me]; cur[me]=POSTED } OPT_DIE fi;                                    /* [both.close] */
#ifndef F_STAGED_NO_WAIT
  if
  :: atomic{ i==0 -> skip }
  :: atomic{ i>0 -> i=0 };
againstaged:                                                                               /* [both.wait] */
     if :: atomic{ flag[me]=true } OPT_DIE fi;                                             /* [sleep.bit] */
     if :: atomic{ rung[me]=false } OPT_DIE fi;                                            /* [sleep.read] */
     if                                                                                    /* [sleep.look] */
     :: atomic{ sd[me*PN]!=0 || entdead -> skip }
     :: atomic{ sd[me*PN]==0 && !entdead -> skip };
        if                                                                                 /* [sleep.wait] */
        :: atomic{ rung[me] -> skip }
        :: atomic{ !rung[me] -> zz[me]=true };
           if :: atomic{ !zz[me] -> skip } OPT_DIE fi
        OPT_DIE
        fi;
        goto againstaged
     OPT_DIE
     fi;
     d_step{ flag[me]=false; rung[me]=false }
  OPT_DIE
  fi;
#endif
  i=0;
  if :: atomic{ post[me]=0; inuse[me]=0 } OPT_DIE fi;                                      /* [both.unpost] */
  if
#ifdef F_STAGED_STALE
  :: atomic{ true -> out[me*PN+n]=buf[me*PN] }                                             /* the mark is not asked for */
#else
  :: atomic{ sd[me*PN]==1 -> out[me*PN+n]=buf[me*PN] }                                     /* [staged.copy] */
#endif
  :: atomic{ sd[me*PN]!=1 && LIVE -> out[me*PN+n]=(memok -> n+1 : OTHER) }                 /* [staged.pull] */
  :: atomic{ sd[me*PN]!=1 && !LIVE -> bad=true }                                           /* no such process */
  OPT_DIE
  fi;
  if
  :: atomic{ LEASE && !bad -> n++ }; goto stage                                            /* [pull.check] */
  :: atomic{ !LEASE -> assert(wdn || lost); STAGEDCLEAN; g=0 }; goto claim
  :: atomic{ LEASE && bad -> assert(dead[0]); ph=DONE; act=me; lost=true; STAGEDCLEAN; g=0 }; goto claim
  OPT_DIE
  fi;
#else
  if
  :: atomic{ PREPARE }                                                                     /* [both.prepare] */
  OPT_DIE
  fi;
  if :: atomic{ dest[me]=inuse[me] } OPT_DIE fi;
  if :: atomic{ post[me]=inuse[me] } OPT_DIE fi;                                           /* [both.post] */
  ring(0);                                                                                 /* [both.ring] */
piece:
  if
  :: atomic{ OPEN(me) -> i=cur[me]; cur[me]=cur[me]+1 }                                    /* [both.take] */
  :: atomic{ !OPEN(me) -> n=bck[me] }; goto others
  :: atomic{ !LEASE && OPEN(me) -> n=bck[me]; cur[me]=PN; bad=true }; goto others          /* [both.close]: withdrawn in between */
  OPT_DIE
  fi;
  if
  :: atomic{ LIVE -> buf[me*PN+i]=(memok -> 1 : 2) }                                       /* [both.pull] */
  :: atomic{ !LIVE -> bad=true; n=bck[me]; cur[me]=PN }; goto others                       /* no such process */
  OPT_DIE
  fi;
  i=0;
  goto piece;
others:                                                                                    /* [both.wait]: the sender's pieces */
  i=0;
#ifndef F_NO_WAIT
  do
  :: i<n ->
again:
        if :: atomic{ flag[me]=true } OPT_DIE fi;                                          /* [sleep.bit] */
        if :: atomic{ rung[me]=false } OPT_DIE fi;                                         /* [sleep.read] */
        if                                                                                 /* [sleep.look] */
        :: atomic{ sd[me*PN+BACK]==1 -> i++ }
        :: atomic{ sd[me*PN+BACK]==2 -> skip };                                            /* given back: copy it myself */
           if
           :: atomic{ LIVE -> buf[me*PN+BACK]=(memok -> 1 : 2); i++ }                         /* [both.again] */
           :: atomic{ !LIVE -> bad=true; i++ }
           OPT_DIE
           fi
#ifndef F_WAIT_DEAD
        :: atomic{ sd[me*PN+BACK]==0 && entdead -> skip };                                    /* taken by a dead sender: copy it again, */
           if                                                                              /* which finds no process */
           :: atomic{ LIVE -> buf[me*PN+BACK]=(memok -> 1 : 2); i++ }
           :: atomic{ !LIVE -> bad=true; i++ }
           OPT_DIE
           fi
        :: atomic{ sd[me*PN+BACK]==0 && !entdead -> skip };
#else
        :: atomic{ sd[me*PN+BACK]==0 -> skip };
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
#endif
#endif
use:
  n=0; bad=false;
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
dying: atomic{ g=0; i=0; n=0; bad=false; quit=false; inuse[me]=0;
               do :: i<PN -> buf[me*PN+i]=0; i++ :: else -> break od; i=0; goto died };
died: false
}

/* A piece for the sender: posted, not all taken, and the lease is still that receiver's. */
#define HELD(r) (ph==LEASED && act==r)
#define WORK(r) (post[r]!=0 && OPEN(r) && HELD(r))
#if NREC>1
#define ANYWORK (WORK(1) || WORK(2))
#else
#define ANYWORK WORK(1)
#endif
#define MOVEASKED (mreq && !moved && ph==LEASED)

/* The sender's side: its helping thread. */
proctype Sender(byte me) {
  byte r, tg, fd, i;
#ifdef STAGED
  byte fo;
#endif
#ifdef AWAKE
  bool spins=true;
  goto look;
#endif
wait:
  if :: atomic{ flag[0]=true } OPT_DIE fi;                                                 /* [sleep.bit] */
  if :: atomic{ rung[0]=false } OPT_DIE fi;                                                /* [sleep.read] */
look:
  if
  :: atomic{ ph==DONE || ph==FREE -> fin[0]=true }; goto finished
  :: atomic{ WORK(1) -> r=1; tg=post[1] }                                                  /* [help.read] */
#if NREC>1
  :: atomic{ WORK(2) -> r=2; tg=post[2] }
#endif
  :: atomic{ MOVEASKED -> gate=true; arena=(memok -> 1 : 2) };                             /* [move.copy] */
     if :: atomic{ moved=true; r=act; gate=false } OPT_DIE fi;                             /* [move.answer] */
     ring(r);                                                                              /* [move.ring] */
     r=0;
     goto look
  :: atomic{ !ANYWORK && !MOVEASKED && !(ph==DONE || ph==FREE) -> skip };
#ifdef AWAKE
     if :: atomic{ spins -> spins=false; goto wait } :: else -> skip fi;
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
#ifdef STAGED
  if :: atomic{ fd=dest[r]; fo=off[r] } OPT_DIE fi;
#else
  if :: atomic{ fd=dest[r] } OPT_DIE fi;
#endif
  if                                                                                       /* [help.check] */
#ifdef F_NO_CHECK
  :: atomic{ true -> gate=true }
#else
  :: atomic{ HELD(r) -> gate=true }
  :: atomic{ !HELD(r) -> r=0; tg=0; FORGET }; goto look
#endif
  OPT_DIE
  fi;
#ifdef F_NO_GATE
  gate=false;
#endif
  if                                                                                       /* [help.take] */
#ifdef F_NO_TAG
  :: atomic{ OPEN(r) -> i=POSTED-1-bck[r]; bck[r]=bck[r]+1 }
  :: atomic{ !OPEN(r) -> r=0; tg=0; FORGET; gate=false }; goto look
#else
  :: atomic{ OPEN(r) && ctag[r]==tg -> i=POSTED-1-bck[r]; bck[r]=bck[r]+1 }
  :: atomic{ !(OPEN(r) && ctag[r]==tg) -> r=0; tg=0; FORGET; gate=false }; goto look
#endif
  OPT_DIE
  fi;
  if                                                                                       /* [help.push]: begin, end */
  :: atomic{ true -> skip };
     if
     :: atomic{ assert(memok && (dead[r] || inuse[r]==fd)); if :: !dead[r] -> buf[r*PN+i]=PART :: else fi }
     OPT_DIE
     fi;
     if :: atomic{ sd[r*PN+i]=1; gate=false } OPT_DIE fi                                   /* [help.mark] */
  :: atomic{ refusals>0 -> refusals-- };
     if :: atomic{ sd[r*PN+i]=2; gate=false } OPT_DIE fi                                   /* [help.back] */
  OPT_DIE
  fi;
  i=0; tg=0; FORGET;
  ring(r);                                                                                 /* [help.ring] */
  r=0;
#ifdef AWAKE
  if :: atomic{ flag[0]=false; rung[0]=false; spins=true } OPT_DIE fi;                     /* [sleep.clear] */
#endif
  goto look;
finished:
  if OPT_DIE fi;
  goto died;
dying: atomic{ r=0; tg=0; FORGET; i=0; flag[0]=false; gate=false; goto died };
died: false
}

/* Another thread of the sender, that cancels the send; not while the helping thread is at a piece. */
#define WITHDRAWABLE (!gate && (ph==QUEUED || (ph==LEASED && !moved)))
proctype Canceller() {
  byte a;
  if
  :: atomic{ wd>0 && !dead[0] && WITHDRAWABLE -> wd--; a=(ph==LEASED -> act : 0); ph=FREE; gen=gen+1; wdn=true }; /* [withdraw.state] */
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
  :: atomic{ dead[0] && !entdead -> if :: ph==QUEUED && !moved -> ph=DONE; lost=true :: else fi };
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
    cancels=0; do :: cancels<CANCELS -> cancels++ :: break od;
    run Sender(0); run Canceller(); run Receiver(1);
#if NREC>1
    run Receiver(2);
#endif
    run Recoverer(); run Monitor()
  }
}
