# The handler of SIGBUS on x86-64; MappingGuard.cs says what for, and how the table looks. BusErrorCode.cs holds its bytes:
#     as -o h.o BusErrorHandler.x64.s && objcopy -O binary -j .text h.o h.bin
# It runs on any thread, between any two instructions of it: no stack but a few words, no C library, errno is not touched.
        .intel_syntax noprefix
        .text
# edi = signal, rsi = siginfo_t*, rdx = ucontext_t*
handler:
        mov     r8, [rip + table]
        cmp     dword ptr [rsi + 8], 2          # si_code: BUS_ADRERR
        jne     chain
        mov     r9, [rsi + 16]                  # si_addr
        lea     rax, [r8 + 64]                  # the first slot
        mov     ecx, [r8 + 8]                   # how many were ever used
next:
        sub     ecx, 1
        jb      chain
        mov     r10d, [rax + 16]                # version; x86 keeps loads in order
        mov     r11, [rax + 8]                  # end
        cmp     r9, [rax]                       # start
        jb      skip
        cmp     r9, r11
        jae     skip
        test    r10b, 1                         # odd: being changed, so not the one of a mapping in use
        jnz     skip
        cmp     r10d, [rax + 16]
        je      found
skip:
        add     rax, 32
        jmp     next

found:
        mov     dword ptr [rax + 20], 1         # damaged: before anybody can see the zeros
        mov     dword ptr [r8 + 12], 1          # and that there is such a one; stores keep their order
        push    rdi
        push    rsi
        push    rdx
        push    r8
        mov     rdi, r9
        and     rdi, [r8 + 16]                  # the page of the fault
        mov     rsi, r11
        sub     rsi, rdi                        # up to the end of the mapping: one more mapping, however many faults
        mov     edx, [rax + 24]                 # the protection it had
        mov     r10d, 0x4032                    # MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE
        mov     r8, -1
        xor     r9d, r9d
        mov     eax, 9                          # mmap
        syscall
        test    rax, rax
        jns     done
        mov     r8, [rsp]                       # refused (too many mappings, no overcommit): the page alone
        mov     rsi, [r8 + 24]
        mov     r8, -1
        mov     eax, 9
        syscall
        test    rax, rax
        jns     done
        pop     r8
        pop     rdx
        pop     rsi
        pop     rdi

chain:
        mov     rax, [r8]                       # the handler that was there before
        cmp     rax, 1
        jb      default
        je      ignored
        jmp     rax                             # with the arguments and the stack as they came
ignored:
        cmp     dword ptr [rsi + 8], 0
        jle     return                          # sent by somebody: ignored, as before; a fault cannot be
default:
        mov     r9, rsi
        mov     edi, 7                          # SIGBUS
        lea     rsi, [r8 + 32]                  # all zero: SIG_DFL
        xor     edx, edx
        mov     r10d, 8
        mov     eax, 13                         # rt_sigaction
        syscall
        cmp     dword ptr [r9 + 8], 0
        jg      return                          # the access is made again, and ends the process
        mov     eax, 39                         # getpid
        syscall
        mov     edi, eax
        mov     eax, 186                        # gettid
        syscall
        mov     esi, eax
        mov     edx, 7
        mov     eax, 234                        # tgkill: sent by somebody, so sent once more
        syscall
return:
        ret
done:
        add     rsp, 32
        ret

        .balign 8
table:  .quad   0                               # filled in before the page becomes executable
