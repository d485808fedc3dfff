using System.Runtime.InteropServices;
using System.Text;

namespace OneCopy;

public sealed partial class ProcessMemory
{
    /// <summary>Reads a value of a type without references, in this machine's byte order and the type's layout here.</summary>
    /// <typeparam name="T">Its type; give a struct a fixed layout ([StructLayout]).</typeparam>
    /// <param name="address">Its address in the target; need not be aligned. The copy is not atomic.</param>
    /// <exception cref="OneCopyException">As for <see cref="Read(nuint, Span{byte})"/>.</exception>
    public T Read<T>(nuint address)
        where T : unmanaged
    {
        T value = default;
        Read(address, MemoryMarshal.AsBytes(new Span<T>(ref value)));
        return value;
    }

    /// <summary>Reads values that lie behind each other.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="address">The first one's address in the target.</param>
    /// <param name="values">Where they go.</param>
    /// <exception cref="OneCopyException">As for <see cref="Read(nuint, Span{byte})"/>.</exception>
    public void Read<T>(nuint address, Span<T> values)
        where T : unmanaged => Read(address, MemoryMarshal.AsBytes(values));

    /// <summary>Writes a value of a type without references.</summary>
    /// <typeparam name="T">Its type.</typeparam>
    /// <param name="address">Its address in the target. The copy is not atomic.</param>
    /// <param name="value">The value.</param>
    /// <exception cref="OneCopyException">As for <see cref="Write(nuint, ReadOnlySpan{byte})"/>.</exception>
    public void Write<T>(nuint address, T value)
        where T : unmanaged => Write(address, MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    /// <summary>Writes values behind each other.</summary>
    /// <typeparam name="T">Their type.</typeparam>
    /// <param name="address">The first one's address in the target.</param>
    /// <param name="values">The values.</param>
    /// <exception cref="OneCopyException">As for <see cref="Write(nuint, ReadOnlySpan{byte})"/>.</exception>
    public void Write<T>(nuint address, ReadOnlySpan<T> values)
        where T : unmanaged => Write(address, MemoryMarshal.AsBytes(values));

    /// <summary>Reads a string that ends at a NUL character, or after a number of bytes, whichever comes first.</summary>
    /// <param name="address">The first character's address in the target.</param>
    /// <param name="maxBytes">The most bytes to read. A character that is cut there becomes U+FFFD.</param>
    /// <param name="encoding">UTF-8 if null. The NUL has this encoding's width (two bytes in UTF-16).</param>
    /// <exception cref="ProcessMemoryException">EFAULT: a hole comes before the NUL and before <paramref name="maxBytes"/>.</exception>
    /// <exception cref="OneCopyException">As for <see cref="Read(nuint, Span{byte})"/>.</exception>
    /// <remarks>Reads page by page, and no page behind the one with the NUL: the string may end right before memory that is not
    /// there.</remarks>
    public string ReadString(nuint address, int maxBytes, Encoding? encoding = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        encoding ??= Encoding.UTF8;
        int width = encoding.GetByteCount("\0");
        byte[] bytes = new byte[Math.Min(maxBytes, Environment.SystemPageSize)];
        int have = 0;
        while (have < maxBytes)
        {
            int page = Environment.SystemPageSize - (int)((address + (nuint)have) % (nuint)Environment.SystemPageSize);
            int next = Math.Min(page, maxBytes - have);
            if (bytes.Length < have + next)
                Array.Resize(ref bytes, Math.Max(have + next, (int)Math.Min(maxBytes, bytes.Length * 2L)));
            Read(address + (nuint)have, bytes.AsSpan(have, next));
            int end = IndexOfNul(bytes.AsSpan(0, have + next), have - (have % width), width);
            have += next;
            if (end >= 0)
                return encoding.GetString(bytes, 0, end);
        }
        return encoding.GetString(bytes, 0, have);
    }

    private static int IndexOfNul(ReadOnlySpan<byte> bytes, int from, int width)
    {
        if (width == 1)
            return bytes[from..].IndexOf((byte)0) is int found and >= 0 ? from + found : -1;
        for (int i = from; i + width <= bytes.Length; i += width)
        {
            if (!bytes.Slice(i, width).ContainsAnyExcept((byte)0))
                return i;
        }
        return -1;
    }
}
