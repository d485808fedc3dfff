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
        byte[] content = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            int length = 0;
            while (true)
            {
                SysResult r;
                fixed (byte* p = content)
                    r = Fcntl.pread((int)opened.Value, p + length, (nuint)(content.Length - length), length);
                if (r.Errno == Errno.EINTR)
                    continue;
                if (!r.Succeeded)
                    return r;
                if (r.Value == 0)
                    break;
                length += (int)r.Value;
                if (length == content.Length)
                    content = Larger(content);
            }

            text = Encoding.UTF8.GetString(content, 0, length);
            return SysResult.Ok(length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(content);
        }
    }

    /// <summary>The text, or null where it cannot be read.</summary>
    public static string? ReadText(string path) => TryReadText(path, out string text).Succeeded ? text : null;

    private static byte[] Larger(byte[] content)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(2 * content.Length);
        content.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(content);
        return larger;
    }
}
