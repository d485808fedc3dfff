using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace OneCopy.Interop;

/// <summary>The first 64 bytes of struct perf_event_attr (PERF_ATTR_SIZE_VER0), which every kernel takes; what follows counts as zero.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct perf_event_attr
{
    public uint type;
    public uint size;
    public ulong config;
    public ulong sample_period;
    public ulong sample_type;
    public ulong read_format;
    public ulong __bits;
    public uint wakeup_events;
    public uint bp_type;
    public ulong config1;
}

/// <summary>perf_event_open(2), for counting system calls.</summary>
internal static unsafe class PerfEvent
{
    public const uint PERF_ATTR_SIZE_VER0 = 64;

    /// <summary>Close on exec.</summary>
    public const uint PERF_FLAG_FD_CLOEXEC = 8;

    private const string SysEnter = "events/raw_syscalls/sys_enter/id";

    /// <summary>Counts the system calls of the calling thread and of those that it starts from now on. The counter is read as a u64.</summary>
    /// <remarks>Fails with EACCES or EPERM without CAP_PERFMON (perf_event_paranoid), ENOENT where the kernel traces no system calls.</remarks>
    public static SysResult OpenSystemCallCounter()
    {
        SysResult id = SysEnterId();
        if (!id.Succeeded)
            return id;

        // PERF_TYPE_TRACEPOINT and the bit "inherit" have no names that the preprocessor knows: linux/perf_event.h.
        const uint Tracepoint = 2;
        const ulong Inherit = 1 << 1;
        perf_event_attr attributes = new() { type = Tracepoint, size = PERF_ATTR_SIZE_VER0, config = (ulong)id.Value, __bits = Inherit };
        const int ThisThread = 0, AnyProcessor = -1, NoGroup = -1;
        return Syscall.Invoke(Syscall.SYS_perf_event_open, (nint)(&attributes), ThisThread, AnyProcessor, NoGroup, (nint)PERF_FLAG_FD_CLOEXEC);
    }

    /// <summary>
    /// The tracepoint's number from tracefs. Where nobody has mounted that, an instance of our own is made, which has a descriptor and no place in
    /// the tree of files, so that nothing of this machine is changed (fsopen(2)).
    /// </summary>
    private static SysResult SysEnterId()
    {
        SysResult mounted = NumberIn(Fcntl.AT_FDCWD, "/sys/kernel/tracing/" + SysEnter);
        if (mounted.Succeeded)
            return mounted;
        SysResult context = NewMount.fsopen("tracefs");
        if (!context.Succeeded)
            return context;
        using SafeFileHandle making = SafeFd.Of(context);
        SysResult made = NewMount.fsconfig_create(making.Fd());
        SysResult mount = made.Succeeded ? NewMount.fsmount(making.Fd()) : made;
        if (!mount.Succeeded)
            return mount;
        using SafeFileHandle tracefs = SafeFd.Of(mount);
        return NumberIn(tracefs.Fd(), SysEnter);
    }

    private static SysResult NumberIn(int directory, string path)
    {
        SysResult opened = Fcntl.openat(directory, path, OpenFlags.O_RDONLY);
        if (!opened.Succeeded)
            return opened;
        using SafeFileHandle file = SafeFd.Of(opened);
        const int Digits = 32;
        byte* text = stackalloc byte[Digits];
        SysResult read = Fcntl.read(file.Fd(), text, Digits);
        if (!read.Succeeded)
            return read;
        return int.TryParse(Encoding.ASCII.GetString(text, (int)read.Value).Trim(), out int id) ? SysResult.Ok(id) : SysResult.Failed(Errno.ENODATA);
    }
}
