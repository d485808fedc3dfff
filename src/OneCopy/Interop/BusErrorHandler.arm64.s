// The handler of SIGBUS on arm64; MappingGuard.cs says what for, and how the table looks. BusErrorCode.cs holds its bytes:
//     aarch64-linux-gnu-as -o h.o BusErrorHandler.arm64.s && aarch64-linux-gnu-objcopy -O binary -j .text h.o h.bin
// It runs on any thread, between any two instructions of it: no stack, no C library, errno is not touched.
        .text
// w0 = signal, x1 = siginfo_t*, x2 = ucontext_t*. The kernel keeps all registers but x0 over a call.
handler:
        ldr     x3, table
        ldr     w4, [x1, #8]                    // si_code
        cmp     w4, #2                          // BUS_ADRERR
        b.ne    chain
        ldr     x5, [x1, #16]                   // si_addr
        add     x6, x3, #64                     // the first slot
        ldr     w7, [x3, #8]                    // how many were ever used
next:
        subs    w7, w7, #1
        b.lo    chain
        add     x12, x6, #16
        ldar    w9, [x12]                       // version, before start and end
        ldp     x10, x11, [x6]                  // start, end
        dmb     ishld                           // both before the version again
        ldr     w12, [x12]
        cmp     x5, x10
        b.lo    skip
        cmp     x5, x11
        b.hs    skip
        tbnz    w9, #0, skip                    // odd: being changed, so not the one of a mapping in use
        cmp     w9, w12
        b.eq    found
skip:
        add     x6, x6, #32
        b       next

found:
        mov     w9, #1
        str     w9, [x6, #20]                   // damaged
        add     x12, x3, #12
        stlr    w9, [x12]                       // and that there is such a one, after it
        dmb     ish                             // before anybody can see the zeros
        mov     x13, x0
        mov     x14, x1
        mov     x15, x2
        mov     x16, x3
        ldr     x9, [x3, #16]
        and     x9, x5, x9                      // the page of the fault
        mov     x0, x9
        sub     x1, x11, x9                     // up to the end of the mapping: one more mapping, however many faults
        ldr     w2, [x6, #24]                   // the protection it had
        mov     x3, #0x4032                     // MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE
        mov     x4, #-1
        mov     x5, #0
        mov     x8, #222                        // mmap
        svc     #0
        tbz     x0, #63, return
        mov     x0, x9                          // refused (too many mappings, no overcommit): the page alone
        ldr     x1, [x16, #24]
        svc     #0
        tbz     x0, #63, return
        mov     x0, x13
        mov     x1, x14
        mov     x2, x15
        mov     x3, x16

chain:
        ldr     x9, [x3]                        // the handler that was there before
        cmp     x9, #1
        b.lo    default
        b.eq    ignored
        br      x9                              // with the arguments and the stack as they came
ignored:
        ldr     w4, [x1, #8]
        cmp     w4, #0
        b.le    return                          // sent by somebody: ignored, as before; a fault cannot be
default:
        ldr     w10, [x1, #8]
        mov     x0, #7                          // SIGBUS
        add     x1, x3, #32                     // all zero: SIG_DFL
        mov     x2, #0
        mov     x3, #8
        mov     x8, #134                        // rt_sigaction
        svc     #0
        cmp     w10, #0
        b.gt    return                          // the access is made again, and ends the process
        mov     x8, #172                        // getpid
        svc     #0
        mov     x11, x0
        mov     x8, #178                        // gettid
        svc     #0
        mov     x1, x0
        mov     x0, x11
        mov     x2, #7
        mov     x8, #131                        // tgkill: sent by somebody, so sent once more
        svc     #0
return:
        ret

        .balign 8
table:  .quad   0                               // filled in before the page becomes executable
