using System.Text.RegularExpressions;
using Xunit;

namespace OneCopy.Tests.IO;

/// <summary>What the kernel is asked for: one call for a request, of the six the one that is meant.</summary>
public sealed partial class VectoredCallTests
{
    [Fact]
    public void A_request_is_one_call()
    {
        Requires.Program("strace");
        using TestFile file = new(TestFile.Pattern(100));
        string trace = Path.Combine(Path.GetTempPath(), $"onecopy-test-{Guid.NewGuid():N}");
        try
        {
            using (ChildProcess child = ChildProcess.StartProgram(
                "strace", "-f", "-y", "-o", trace, "-e", "trace=readv,writev,preadv,pwritev,preadv2,pwritev2", DotnetHost.Path, ChildProcess.TestProcessPath, "vectored-calls", file.Path))
            {
                child.Finish();
            }

            // PID call(FD<PATH>, [{iov_base="…", iov_len=11}, …], COUNT, OFFSET, FLAGS) = RESULT
            string[] calls = [.. File.ReadLines(trace).Where(l => l.Contains(file.Path, StringComparison.Ordinal)).Select(l => Call().Match(l))
                .Select(m => $"{m.Groups["name"].Value} {m.Groups["rest"].Value} = {m.Groups["result"].Value}")];
            Assert.Equal(
                [
                    "writev 2 = 24",
                    "pwritev 1024, 24 = 11264",
                    "pwritev 1024, 11288 = 11264",
                    "pwritev 452, 22552 = 4972",
                    "pwritev2 2, 0, RWF_HIPRI = 24",
                    "preadv 2, 0 = 24",
                    "readv 2 = 24",
                    "preadv2 2, 5, RWF_HIPRI = 24",
                ],
                calls);
        }
        finally
        {
            File.Delete(trace);
        }
    }

    [GeneratedRegex(@"^\d+\s+(?<name>\w+)\(.*\], (?<rest>[^\]]*)\)\s+= (?<result>-?\d+)", RegexOptions.ExplicitCapture, 10_000)]
    private static partial Regex Call();
}
