using System.Diagnostics;
using System.Text;
using Xunit;

namespace OneCopy.Tests.Interop;

/// <summary>A small C program, compiled against this system's headers and run; the test is skipped where no compiler is.</summary>
internal static class CProgram
{
    public static IReadOnlyList<string> Run(string source)
    {
        string compiler = FindCompiler();
        string folder = Directory.CreateTempSubdirectory("onecopy-c-").FullName;
        try
        {
            string file = Path.Combine(folder, "headers.c");
            string program = Path.Combine(folder, "headers");
            File.WriteAllText(file, source, Encoding.ASCII);
            Execute(compiler, ["-std=gnu11", "-w", "-o", program, file]);
            return Execute(program, []).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string FindCompiler()
    {
        foreach (string name in new[] { "cc", "gcc", "clang" })
        {
            foreach (string folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            {
                if (File.Exists(Path.Combine(folder, name)))
                    return Path.Combine(folder, name);
            }
        }
        Assert.Skip("No C compiler (cc, gcc or clang) on PATH: the bindings are not compared with the system's headers.");
        return "";
    }

    private static string Execute(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}:\n{error.GetAwaiter().GetResult()}");
        return output;
    }
}
