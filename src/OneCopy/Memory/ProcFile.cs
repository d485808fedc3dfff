using System.Buffers;
using System.Text;
using OneCopy.Interop;

namespace OneCopy.Memory;

/// <summary>Reads of /proc, whose files have no length and whose processes may end in the middle.</summary>
internal static class ProcFile
{
    /// <summary>The whole text, or the errno of the call that failed. Bytes that are no UTF-8 (file names) become U+FFFD.</summary>
    public static unsafe SysResult TryReadText(string path, out string text)
    {
        text = "";
        SysResult opened = Fcntl.open(path, OpenFlags.O_RDONLY);
        if (!opened.Succeeded)
            return opened;
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = new(opened.Value, ownsHandle: true);
        ArrayBufferWriter<byte> content = new(4096);
        while (true)
        {
            SysResult r;
            fixed (byte* p = content.GetSpan(4096))
                r = Fcntl.pread((int)opened.Value, p, (nuint)content.GetSpan(4096).Length, content.WrittenCount);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return r;
            if (r.Value == 0)
                break;
            content.Advance((int)r.Value);
        }
        text = Encoding.UTF8.GetString(content.WrittenSpan);
        return SysResult.Ok(content.WrittenCount);
    }

    /// <summary>The text, or null where it cannot be read.</summary>
    public static string? ReadText(string path) => TryReadText(path, out string text).Succeeded ? text : null;
}
