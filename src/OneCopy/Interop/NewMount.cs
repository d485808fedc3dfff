using System.Text;

namespace OneCopy.Interop;

/// <summary>fsopen(2), fsconfig(2), fsmount(2): a file system that only a descriptor leads to.</summary>
internal static unsafe class NewMount
{
    public const int FSOPEN_CLOEXEC = 1;
    public const int FSMOUNT_CLOEXEC = 1;

    public static SysResult fsopen(string type)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(type + '\0'))
            return Syscall.Invoke(Syscall.SYS_fsopen, (nint)name, FSOPEN_CLOEXEC);
    }

    /// <summary>FSCONFIG_CMD_CREATE.</summary>
    public static SysResult fsconfig_create(int context)
    {
        const int Create = 6;
        return Syscall.Invoke(Syscall.SYS_fsconfig, context, Create);
    }

    public static SysResult fsmount(int context) => Syscall.Invoke(Syscall.SYS_fsmount, context, FSMOUNT_CLOEXEC);
}
