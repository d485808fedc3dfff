using System.Runtime.InteropServices;

namespace OneCopy.Interop;

/// <summary>struct sock_filter of linux/filter.h: one instruction of classic BPF.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct sock_filter
{
    public ushort code;
    public byte jt;
    public byte jf;
    public uint k;

    public sock_filter(int code, uint k, byte jt = 0, byte jf = 0)
    {
        this.code = (ushort)code;
        this.jt = jt;
        this.jf = jf;
        this.k = k;
    }
}

/// <summary>struct sock_fprog of linux/filter.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct sock_fprog
{
    public ushort len;
    public sock_filter* filter;
}

/// <summary>seccomp(2): what a container does to a process, done to oneself, so that tests meet it without a container.</summary>
internal static unsafe class Seccomp
{
    public const int SECCOMP_SET_MODE_FILTER = 1;
    public const int SECCOMP_FILTER_FLAG_TSYNC = 1;
    public const uint SECCOMP_RET_ALLOW = 0x7fff0000;
    public const uint SECCOMP_RET_ERRNO = 0x00050000;
    public const int BPF_LD = 0x00;
    public const int BPF_W = 0x00;
    public const int BPF_ABS = 0x20;
    public const int BPF_JMP = 0x05;
    public const int BPF_JEQ = 0x10;
    public const int BPF_K = 0x00;
    public const int BPF_RET = 0x06;

    /// <summary>From now on, in every thread and in every child, the given calls fail with the given errno and do nothing.</summary>
    /// <remarks>The number is the first word of struct seccomp_data. The architecture is not looked at: this is no fence, only a
    /// test's.</remarks>
    public static SysResult Deny(int errno, params ReadOnlySpan<nint> calls)
    {
        sock_filter* program = stackalloc sock_filter[calls.Length + 3];
        int length = 0;
        program[length++] = new sock_filter(BPF_LD | BPF_W | BPF_ABS, 0);
        for (int i = 0; i < calls.Length; i++)
            program[length++] = new sock_filter(BPF_JMP | BPF_JEQ | BPF_K, (uint)calls[i], jt: (byte)(calls.Length - i));
        program[length++] = new sock_filter(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
        program[length++] = new sock_filter(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint)errno);
        SysResult r = Prctl.prctl(Prctl.PR_SET_NO_NEW_PRIVS, 1);
        if (!r.Succeeded)
            return r;
        sock_fprog filter = new() { len = (ushort)length, filter = program };
        return Syscall.Invoke(Syscall.SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, (nint)(&filter));
    }
}
