using System.Runtime.InteropServices;
using OneCopy.Interop;
using OneCopy.Memory;

namespace OneCopy;

/// <content>Several buffers in each call.</content>
internal sealed unsafe partial class CopyWorker
{
    private iovec[]? _vector;

    private EngineOutcome RunVectored(long offset, long length)
    {
        long each = RoundToPages(options.BufferLength);
        int count = (int)Math.Min(options.BufferCount, Math.Max(1, (RoundToPages(Math.Min(length, 1L << 40)) + each - 1) / each));
        byte* buffers = Buffer(each * count);
        if (_vector is null || _vector.Length < count)
            _vector = GC.AllocateUninitializedArray<iovec>(count);
        for (int i = 0; i < count; i++)
            _vector[i] = new iovec((nuint)(buffers + (i * each)), (nuint)each);

        iovec* window = stackalloc iovec[Math.Min(count, Uio.IOV_MAX)];
        Span<iovec> windowSpan = new(window, Math.Min(count, Uio.IOV_MAX));
        long done = 0;
        while (done < length)
        {
            SegmentCursor cursor = new(_vector.AsSpan(0, count));
            int errno = Fill(ref cursor, window, windowSpan, offset + done, Math.Min(length - done, each * count), out long read);
            if (errno != 0 && read == 0)
                return new EngineOutcome(done, errno, "preadv", OfSource: true);
            if (read == 0)
                break;
            cursor = new SegmentCursor(_vector.AsSpan(0, count));
            errno = Empty(ref cursor, window, windowSpan, offset + done, read);
            if (errno != 0)
                return new EngineOutcome(done, errno, "pwritev");
            Add(offset + done, read, CopyExtentKind.Data);
            done += read;
            _reached = Math.Max(_reached, offset + done);
            Moved(read);
        }
        return new EngineOutcome(done, 0, null);
    }

    /// <summary>Reads until all buffers are full, the file ends, or an error comes.</summary>
    private int Fill(ref SegmentCursor cursor, iovec* window, Span<iovec> windowSpan, long offset, long length, out long read)
    {
        read = 0;
        while (read < length)
        {
            int n = cursor.Fill(windowSpan, (nuint)Math.Min(length - read, Uio.MaxBytesPerCall), out _);
            SysResult r = Uio.preadv(_source, window, n, offset + read);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return r.Errno;
            if (r.Value == 0)
                break;
            cursor.Advance((nuint)r.Value);
            read += r.Value;
        }
        return 0;
    }

    private int Empty(ref SegmentCursor cursor, iovec* window, Span<iovec> windowSpan, long offset, long length)
    {
        for (long written = 0; written < length;)
        {
            int n = cursor.Fill(windowSpan, (nuint)Math.Min(length - written, Uio.MaxBytesPerCall), out _);
            SysResult r = Uio.pwritev(_destination, window, n, offset + written);
            if (r.Errno == Errno.EINTR)
                continue;
            if (!r.Succeeded)
                return r.Errno;
            if (r.Value == 0)
                return Errno.EIO;
            cursor.Advance((nuint)r.Value);
            written += r.Value;
        }
        return 0;
    }
}
