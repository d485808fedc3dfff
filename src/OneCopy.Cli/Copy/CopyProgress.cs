using System.Diagnostics;
using OneCopy.Cli.Terminal;

namespace OneCopy.Cli.Copy;

/// <summary>
/// A line on standard error that is written over: how far it is, and how fast. It comes when a copy takes long, so that a short one is not held up
/// by drawing; written by hand, because what draws the other commands' bars takes longer to load than a small file takes to copy.
/// </summary>
internal sealed class CopyProgress : IProgress<FileCopyProgress>, IDisposable
{
    private static readonly TimeSpan s_first = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    private readonly long _start = Stopwatch.GetTimestamp();
    private long _drawn;
    private bool _visible;

    // Of the sources before this one.
    private long _bytesBefore;
    private long _filesBefore;
    private FileCopyProgress _last;

    /// <summary>One thread at a time, as the library promises.</summary>
    public void Report(FileCopyProgress value)
    {
        _last = value;
        if (Stopwatch.GetElapsedTime(_start) < s_first || (_drawn != 0 && Stopwatch.GetElapsedTime(_drawn) < s_pause))
            return;
        _drawn = Stopwatch.GetTimestamp();
        _visible = true;
        Console.Error.Write($"\r{Line(value)}\u001b[K");
    }

    /// <summary>A source is done; the next one counts anew.</summary>
    public void Next()
    {
        _bytesBefore += _last.Bytes;
        _filesBefore += _last.Files;
        _last = default;
    }

    /// <summary>Leaves nothing on the screen.</summary>
    public void Dispose()
    {
        if (_visible)
            Console.Error.Write("\r\u001b[K");
        _visible = false;
    }

    private string Line(FileCopyProgress p)
    {
        const int Bar = 24;
        double part = p.TotalBytes > 0 ? Math.Min((double)p.Bytes / p.TotalBytes, 1) : 1;
        double seconds = Stopwatch.GetElapsedTime(_start).TotalSeconds;
        int full = (int)(part * Bar);
        string files = _filesBefore + p.Files > 0 ? $"  {Sizes.Count(_filesBefore + p.Files, "file")}" : "";
        string text = $"{new string('━', full)}{new string('╌', Bar - full)} {part,4:P0}  {Sizes.Text(_bytesBefore + p.Bytes)}  {Sizes.Text((long)((_bytesBefore + p.Bytes) / seconds))}/s{files}";
        int room = WidthOfTerminal() - text.Length - 3;
        string path = Printable.Text(p.Path);
        return room < 8 ? text : $"{text}  {(path.Length <= room ? path : "…" + path[^(room - 1)..])}";
    }

    private static int WidthOfTerminal()
    {
        try
        {
            return Console.WindowWidth is > 0 and int width ? width : 80;
        }
        catch (IOException)
        {
            return 80;
        }
    }
}
