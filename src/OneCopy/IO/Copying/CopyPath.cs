using System.Runtime.InteropServices;
using System.Text;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <summary>A name in an open directory, and the directory's text for messages. The name's bytes belong to the caller.</summary>
internal readonly unsafe struct CopyPath(int directory, byte* name, string? folder, ulong device = 0)
{
    public int Directory => directory;

    public byte* Name => name;

    /// <summary>The directory's device, where it is known.</summary>
    public ulong Device => device;

    public override string ToString()
    {
        if (name is null)
            return "";
        string text = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(name));
        return string.IsNullOrEmpty(folder) ? text : Path.Join(folder, text);
    }
}

/// <summary>A path's bytes, with the 0 that C wants behind them.</summary>
internal sealed unsafe class NativePath : IDisposable
{
    public NativePath(string path)
    {
        Text = path;
        Bytes = (byte*)Marshal.StringToCoTaskMemUTF8(path);
    }

    public string Text { get; }

    public byte* Bytes { get; private set; }

    public void Dispose()
    {
        Marshal.FreeCoTaskMem((nint)Bytes);
        Bytes = null;
    }
}

/// <summary>Who this process is to the file system: what must be set on a new file depends on it. Asked anew for every copy, for a process can change it.</summary>
internal sealed class CopyIdentity(bool umask)
{
    public uint User { get; } = Prctl.geteuid();

    public uint Group { get; } = Prctl.getegid();

    /// <summary>Read from /proc, where reading does not change it; the most careful one where /proc is not there.</summary>
    public uint Umask { get; } = umask ? ProcessStatus.OfSelf()?.Umask ?? 0x3F : 0;
}
