using System.Buffers.Binary;
using System.Text;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;

namespace OneCopy.TestProcess;

/// <summary>Damages one file of a queue, by chance, mostly where a wrong word does most harm.</summary>
internal sealed class Corruption(string directory, Random random)
{
    private const int BlockSize = 512;
    private const int Blocks = 16;
    private readonly Random _scribbler = new(random.Next());
    private readonly bool _ringToo = random.Next(3) == 0;
    private Action? _undo;

    /// <summary>Does one thing to one file, and says what.</summary>
    public string Apply()
    {
        string[] files = Files();
        if (files.Length == 0)
            return "nothing is left";
        string file = Pick(files, random);
        int kind = random.Next(100);
        _undo = null;
        string what = kind < 94 ? Word(file, random, u => _undo = u) : kind < 95 ? Resize(file) : Rename(file, files);
        return $"{Path.GetFileName(file)}: {what}";
    }

    /// <summary>A wrong word, from another thread than <see cref="Apply"/>.</summary>
    public void Scribble()
    {
        string[] files = Files();
        if (files.Length > 0)
            Word(Pick(files, _scribbler), _scribbler, static _ => { });
    }

    /// <summary>Sets the word right that <see cref="Apply"/> made wrong; whatever else it did stays.</summary>
    public void Undo() => _undo?.Invoke();

    private string[] Files()
    {
        List<string> files = [];
        foreach (string d in new[] { directory, directory + ".dead" })
        {
            try
            {
                files.AddRange(Directory.GetFiles(d));
            }
            catch (IOException)
            {
                // Deleted, or not there yet.
            }
        }

        return [.. files];
    }

    private string Pick(string[] files, Random random)
    {
        string file = files[random.Next(files.Length)];
        if (_ringToo && random.Next(3) == 0)
            file = Array.Find(files, f => f.EndsWith("/ring", StringComparison.Ordinal)) ?? file;
        return !_ringToo && file.EndsWith("/ring", StringComparison.Ordinal) ? files[random.Next(files.Length)] : file;
    }

    private static string Word(string path, Random random, Action<Action> undo)
    {
        SysResult opened = Fcntl.open(path, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);
        if (!opened.Succeeded)
            return "not opened";
        using SafeFileHandle file = SafeFd.Of(opened);
        if (!Stat.Of(file.Fd(), out statx s).Succeeded || (s.stx_mode & Stat.S_IFMT) != Stat.S_IFREG)
            return "no file any more";
        long offset = path.EndsWith("/ring", StringComparison.Ordinal) ? RingOffset(random) : ParticipantOffset(random);
        byte[] word = new byte[8];
        int length = 1 << random.Next(4);
        offset &= ~(long)(length - 1);
        Read(file, word, offset);
        long before = BinaryPrimitives.ReadInt64LittleEndian(word);
        long after = random.Next(10) switch
        {
            0 => 0,
            1 => -1,
            2 => int.MaxValue,
            3 => long.MinValue >> random.Next(64),
            4 => before + 1,
            5 => before - 1,
            6 => before + (1L << random.Next(40)),
            7 => OtherWord(file, path, random),
            8 => random.NextInt64(long.MinValue, long.MaxValue) >> random.Next(64),
            _ => before ^ (1L << random.Next(64)),
        };
        BinaryPrimitives.WriteInt64LittleEndian(word, after);
        Write(file, word.AsSpan(0, length), offset, (long)s.stx_size);
        undo(() => Put(path, after, before, length, offset));
        return $"{length} bytes at {offset}: {after:x} where {before:x} was";
    }

    // Unless it was changed since: head and tail go on.
    private static void Put(string path, long expected, long value, int length, long offset)
    {
        using SafeFileHandle? file = Regular(path);
        if (file is null || !Stat.Of(file.Fd(), out statx s).Succeeded)
            return;
        byte[] word = new byte[8];
        byte[] wrong = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(wrong, expected);
        Read(file, word, offset);
        if (!word.AsSpan(0, length).SequenceEqual(wrong.AsSpan(0, length)))
            return;
        BinaryPrimitives.WriteInt64LittleEndian(word, value);
        Write(file, word.AsSpan(0, length), offset, (long)s.stx_size);
    }

    private static long OtherWord(SafeFileHandle file, string path, Random random)
    {
        byte[] word = new byte[8];
        Read(file, word, (path.EndsWith("/ring", StringComparison.Ordinal) ? RingOffset(random) : ParticipantOffset(random)) & ~7L);
        return BinaryPrimitives.ReadInt64LittleEndian(word);
    }

    private static long RingOffset(Random random) => random.Next(8) switch
    {
        0 => random.Next(72),
        1 => RingLayout.HeadOffset + random.Next(8),
        2 => RingLayout.TailOffset + random.Next(8),
        3 => RingLayout.NextIncarnationOffset + random.Next(16),
        4 => RingLayout.ReceiveSleepersOffset + random.Next(512),
        5 => RingLayout.EntriesOffset + random.Next(8 * 8),
        6 => RingLayout.CellsOffset + random.Next(64 * 8),
        _ => random.Next(131072),
    };

    private static long ParticipantOffset(Random random) => random.Next(8) switch
    {
        0 => random.Next(128),
        1 => ParticipantLayout.ReceiveDoorbellOffset + random.Next(512),
        2 => ParticipantLayout.CountersOffset + random.Next(200),
        3 => Block(random) + random.Next(8),
        4 or 5 => Block(random) + random.Next(BlockLayout.InlineOffset),
        6 => Block(random) + random.Next(BlockSize),
        _ => random.Next(400_000),
    };

    // Most messages are in the first ones.
    private static long Block(Random random) => ParticipantLayout.BlocksOffset + (BlockSize * (long)(random.Next(2) == 0 ? random.Next(4) : random.Next(Blocks)));

    private string Resize(string path)
    {
        using SafeFileHandle? file = Regular(path);
        if (file is null)
            return "no file any more";
        long length = RandomAccess.GetLength(file);
        long to = random.Next(8) switch
        {
            0 => 0,
            1 => 4096,
            2 => 65536,
            3 => Math.Max(0, length - 4096),
            4 => length + 4096,
            5 => length + (1L << 40),
            6 => random.NextInt64(length + 1),
            _ => 8192,
        };
        RandomAccess.SetLength(file, to);
        return $"{to} bytes long where it was {length}";
    }

    private string Rename(string path, string[] files)
    {
        string other = files[random.Next(files.Length)];
        string aside = path + "-aside";
        int kind = random.Next(8);
        if (kind == 0)
        {
            Fcntl.rename(path, aside);
            Fcntl.rename(other, path);
            Fcntl.rename(aside, other);
            return $"swapped with {other}";
        }

        byte[] content = kind == 1 && Regular(path) is { } file ? Content(file) : [];
        Fcntl.unlink(path);
        switch (kind)
        {
            case 1:
                if (content.Length > 12)
                    content[8] ^= 3;
                File.WriteAllBytes(path, content);
                return "of another version";
            case 2:
                MakeFifo(path);
                return "a FIFO";
            case 3:
                File.CreateSymbolicLink(path, other);
                return $"a link to {other}";
            case 4:
                File.CreateSymbolicLink(path, random.Next(2) == 0 ? "/dev/zero" : "nowhere");
                return "a link to elsewhere";
            case 5:
                Directory.CreateDirectory(path);
                return "a directory";
            case 6:
                Fcntl.link(other, path);
                return $"another name of {other}";
            default:
                return "removed";
        }
    }

    private static SafeFileHandle? Regular(string path)
    {
        SysResult opened = Fcntl.open(path, OpenFlags.O_RDWR | OpenFlags.O_NONBLOCK);
        if (!opened.Succeeded)
            return null;
        SafeFileHandle file = SafeFd.Of(opened);
        if (Stat.Of(file.Fd(), out statx s).Succeeded && (s.stx_mode & Stat.S_IFMT) == Stat.S_IFREG)
            return file;
        file.Dispose();
        return null;
    }

    private static byte[] Content(SafeFileHandle file)
    {
        using (file)
        {
            byte[] content = new byte[Math.Min(RandomAccess.GetLength(file), 1 << 20)];
            RandomAccess.Read(file, content, 0);
            return content;
        }
    }

    private static unsafe void Read(SafeFileHandle file, Span<byte> bytes, long offset)
    {
        fixed (byte* p = bytes)
            Fcntl.pread(file.Fd(), p, (nuint)bytes.Length, offset);
    }

    // Inside the file: to lengthen it is another corruption.
    private static unsafe void Write(SafeFileHandle file, ReadOnlySpan<byte> bytes, long offset, long size)
    {
        if (offset + bytes.Length > size)
            return;
        fixed (byte* p = bytes)
            Fcntl.pwrite(file.Fd(), p, (nuint)bytes.Length, offset);
    }

    private static unsafe void MakeFifo(string path)
    {
        const int Fifo = 0x1180; // S_IFIFO | 0600
        nint mknodat = System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? 33 : 259;
        fixed (byte* p = Encoding.UTF8.GetBytes(path + '\0'))
            Syscall.Invoke(mknodat, Fcntl.AT_FDCWD, (nint)p, Fifo).OrThrow("mknodat", path);
    }
}
